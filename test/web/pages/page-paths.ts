/** Pages of the seeded site that an admin can open, one of each kind. */
export const pagePaths: readonly string[] = [
  '/',
  '/guests',
  '/guests/1',
  '/sessions',
  '/nodes',
  '/gaps',
  '/checks',
  '/account',
  '/settings/users',
  '/settings/keys',
  '/settings/nodes',
];
