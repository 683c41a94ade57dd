/** How every process finds its two servers; told here, as neither is an option of lockkeeper.yaml. */
export const CONNECTING = `## Temporal and Postgres

Neither stands in \`lockkeeper.yaml\`: commands, workers and deploy workers, and \`connectTemporal()\` in TypeScript, find them in
the environment. \`lockkeeper dev\` brings both and prints the lines to copy. An empty variable counts as not set.

| variable | what it is | default |
| --- | --- | --- |
| \`DATABASE_URL\` | the ledger: \`postgres://user:password@host:5432/database\`. Workers need Postgres itself, not a pooler. In user and password write \`#\` as \`%23\`, \`/\` as \`%2F\`, \`@\` as \`%40\` | must be there |
| \`TEMPORAL_ADDRESS\` | host and port of Temporal | \`localhost:7233\` |
| \`TEMPORAL_NAMESPACE\` | its namespace | \`default\` |
| \`TEMPORAL_API_KEY\` | sent with each call; TLS is on with it | none |
| \`TEMPORAL_TLS\` | \`true\` or \`false\`: TLS, or none | on with an API key or any variable below |
| \`TEMPORAL_TLS_CLIENT_CERT_PATH\`, \`TEMPORAL_TLS_CLIENT_KEY_PATH\` | the client's certificate and key, PEM (or the text itself: \`…_DATA\` in place of \`…_PATH\`) | none |
| \`TEMPORAL_TLS_SERVER_CA_CERT_PATH\` | the authority that signed the server's certificate (or \`…_DATA\`) | those of the system |
| \`TEMPORAL_TLS_SERVER_NAME\` | the name in the server's certificate, where it is not the host | the host |
| \`TEMPORAL_CONFIG_FILE\` | the file with profiles | \`temporalio/temporal.toml\` in the user's directory for configurations |
| \`TEMPORAL_PROFILE\` | which of them | \`default\` |

A variable comes before what the profile says:

\`\`\`toml
# temporal.toml
[profile.prod]
address = "prod.a1b2c.tmprl.cloud:7233"
namespace = "prod.a1b2c"

[profile.prod.tls]
client_cert_path = "/etc/temporal/client.pem"
client_key_path = "/etc/temporal/client.key"

[profile.staging]
address = "eu-west-1.aws.api.temporal.io:7233"
namespace = "staging.a1b2c"
api_key = "…"
\`\`\`

\`\`\`sh
TEMPORAL_PROFILE=prod lockkeeper worker
\`\`\`
`;
