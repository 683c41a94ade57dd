/** Thrown inside a deploy run only: the deploy cannot go on. */
export class DeployFailed extends Error {
  override readonly name = 'DeployFailed';
}

/** Thrown inside a deploy run only: a person ended it. */
export class DeployAborted extends Error {
  override readonly name = 'DeployAborted';
}
