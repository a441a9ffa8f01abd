import type { Result } from 'neverthrow';
import { z } from 'zod';
import { expandAll } from '../expand.ts';
import type { Failure } from '../failure.ts';
import { expand, type Form, readForm } from '../params.ts';
import type { Scope } from '../scope.ts';

export type Method = 'GET' | 'POST' | 'DELETE';

/** One thing that can be asked of the sandbox. A part of the path that begins with a colon stands for an id. */
export interface Route {
  readonly method: Method;
  readonly path: string;
  /** Whether a browser may ask for it, with a publishable key. */
  readonly publishable: boolean;
  readonly run: (scope: Scope, form: Form, ids: readonly string[]) => Result<object, Failure>;
}

export interface RouteOptions {
  /** Names that Stripe takes here and the sandbox does not: it says so, and does not call them unknown. */
  readonly leavesOut?: readonly string[];
  readonly publishable?: boolean;
}

/** A route whose form is read by a schema; each id of its path is handed over in its turn. */
export const route = <S extends z.ZodRawShape>(
  method: Method,
  path: string,
  shape: S,
  run: (
    scope: Scope,
    input: z.output<z.ZodObject<S, z.core.$strict>>,
    id: string,
    second: string,
  ) => Result<object, Failure>,
  { leavesOut = [], publishable = false }: RouteOptions = {},
): Route => {
  const schema = z.strictObject(shape);
  const paths = z.object({ expand: expand.optional() });
  return {
    method,
    path,
    publishable,
    run: (scope, { expand: wanted, ...form }, [id = '', second = '']) =>
      readForm(schema, form, leavesOut).andThen((input) =>
        wanted === undefined
          ? run(scope, input, id, second)
          : readForm(paths, { expand: wanted }).andThen(({ expand: list = [] }) =>
              run(scope, input, id, second).andThen((reply) => expandAll(scope, reply, list)),
            ),
      ),
  };
};
