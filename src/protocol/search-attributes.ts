/** Search attributes that the product registers, with their Temporal types. */
export const SEARCH_ATTRIBUTES = {
  LockkeeperKind: 'Keyword',
  LockkeeperState: 'Keyword',
  LockkeeperProgress: 'Double',
  LockkeeperDeploy: 'Keyword',
  LockkeeperOwner: 'Keyword',
} as const;
