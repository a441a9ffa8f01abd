import { accountRoutes } from './routes/account.ts';
import { chargeRoutes } from './routes/charges.ts';
import { customerRoutes } from './routes/customers.ts';
import { intentRoutes } from './routes/intents.ts';
import { methodRoutes } from './routes/methods.ts';
import { moneyRoutes } from './routes/money.ts';
import type { Route } from './routes/route.ts';
import { setupRoutes } from './routes/setups.ts';

export const ROUTES: readonly Route[] = [
  ...intentRoutes,
  ...setupRoutes,
  ...chargeRoutes,
  ...customerRoutes,
  ...methodRoutes,
  ...moneyRoutes,
  ...accountRoutes,
];

interface Found {
  readonly route: Route;
  /** What stands in the path where the route has a colon. */
  readonly ids: readonly string[];
}

/** The routes by method and number of parts, so that a request is compared with few. */
const BY_SHAPE: ReadonlyMap<string, readonly Route[]> = Map.groupBy(
  ROUTES,
  ({ method, path }) => `${method} ${path.split('/').length}`,
);

/** The route of a request, if the sandbox has one. What is spelled out stands before what is an id, in the table. */
export const findRoute = (method: string, path: string): Found | undefined => {
  const parts = path.split('/');
  for (const route of BY_SHAPE.get(`${method} ${parts.length}`) ?? []) {
    const ids = idsIn(route.path.split('/'), parts);
    if (ids !== undefined) return { route, ids };
  }
  return undefined;
};

const idsIn = (pattern: readonly string[], parts: readonly string[]): string[] | undefined => {
  const ids: string[] = [];
  for (const [place, wanted] of pattern.entries()) {
    const part = parts[place] ?? '';
    if (!wanted.startsWith(':')) {
      if (part !== wanted) return undefined;
    } else if (part === '') return undefined;
    else ids.push(part);
  }
  return ids;
};
