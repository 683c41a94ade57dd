/** `up`: from the page's address to that of the codec server. */
const page = (body: string, up = ''): string => `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>lockkeeper codec server</title>
<link rel="stylesheet" href="${up}login.css">
<main>
<h1>lockkeeper codec server</h1>
${body}
</main>
</html>
`;

/** Where the token is pasted. Nothing of it needs an answer of ours: the page is the same for everybody. */
export const LOGIN_PAGE =
  page(`<p>It shows this browser the payloads that lockkeeper has encrypted, in Temporal's Web UI.</p>
<form id="login">
<label for="token">Token of the codec server</label>
<input id="token" type="password" autocomplete="off" required>
<button>Log in</button>
<button id="logout" type="button">Log out</button>
</form>
<p id="said" role="status"></p>
<p>Then, in the Web UI, open the codec server's settings (the glasses), choose “Use my browser setting”, enter
<code id="address"></code>, and switch on “Include cross-origin credentials”.</p>
<script src="login.js"></script>`);

export const LOGIN_SCRIPT = `document.getElementById('address').textContent = location.href.replace(/\\/$/, '');
const said = document.getElementById('said');
const post = (path, body) =>
  fetch(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
const tell = async (work, done) => {
  try {
    const answer = await work();
    said.textContent = answer.ok ? done : (await answer.json()).error;
  } catch {
    said.textContent = 'the codec server does not answer';
  }
};
document.getElementById('login').addEventListener('submit', (event) => {
  event.preventDefault();
  const field = document.getElementById('token');
  const token = field.value;
  field.value = '';
  void tell(() => post('login', { token }), 'This browser is logged in for 12 hours.');
});
document.getElementById('logout').addEventListener('click', () => {
  void tell(() => post('logout', {}), 'This browser is logged out.');
});
`;

export const LOGIN_STYLE = `body { font: 16px/1.5 system-ui, sans-serif; margin: 3rem 1rem; color: #1b2733; background: #fff; }
main { max-width: 40rem; margin: auto; }
h1 { font-size: 1.4rem; }
label { display: block; font-weight: 600; }
input { font: inherit; width: 100%; box-sizing: border-box; padding: 0.4rem; margin: 0.3rem 0 0.6rem; }
button { font: inherit; padding: 0.3rem 0.9rem; }
#said { min-height: 1.5em; font-weight: 600; }
`;

export const SPENT_LINK_PAGE = page(
  `<p>This link has been used, or is older than ten minutes.</p>
<p><a href="../">Log in with the token</a> instead.</p>`,
  '../',
);
