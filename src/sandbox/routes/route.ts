import type { Result } from 'neverthrow';
import { z } from 'zod';
import { expandAll } from '../expand.ts';
import type { Failure } from '../failure.ts';
import { expand, type Form, readForm } from '../params.ts';
import type { Scope } from '../scope.ts';
import { LEFT_OUT } from '../stripe-names.ts';

export type Method = 'GET' | 'POST' | 'DELETE';

/** One thing that can be asked of the sandbox. A part of the path that begins with a colon stands for an id. */
export interface Route {
  readonly method: Method;
  readonly path: string;
  /** Whether a browser may ask for it, with a publishable key. */
  readonly publishable: boolean;
  /** What its form is read by. */
  readonly schema: z.ZodObject;
  readonly run: (scope: Scope, form: Form, ids: readonly string[]) => Result<object, Failure>;
}

/**
 * A route whose form is read by a schema; each id of its path is handed over in its turn. What Stripe takes there beside
 * the schema is in `LEFT_OUT`: it says so, and does not call it unknown.
 */
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
  { publishable = false }: { readonly publishable?: boolean } = {},
): Route => {
  const leftOut = LEFT_OUT[`${method} ${path}`] ?? [];
  const schema = z.strictObject(shape);
  const paths = z.object({ expand: expand.optional() });
  return {
    method,
    path,
    publishable,
    schema,
    run: (scope, { expand: wanted, ...form }, [id = '', second = '']) =>
      readForm(schema, form, leftOut).andThen((input) =>
        wanted === undefined
          ? run(scope, input, id, second)
          : readForm(paths, { expand: wanted }).andThen(({ expand: list = [] }) =>
              run(scope, input, id, second).andThen((reply) => expandAll(scope, reply, list)),
            ),
      ),
  };
};
