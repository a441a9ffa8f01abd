/** What an answer holds, by what was asked: the types of replies come from the table of routes. */
import type { Replies } from '../../src/client/api.ts';

/** Of the path of a request, what the template of its route would be held against. */
type WithoutQuery<Path> = Path extends `${infer Before}?${string}` ? Before : Path;

/** Whether a path, of which parts may be any text, is one of that template: `/v1/payments/:id`. */
type Fits<Template, Path> = Template extends `${infer Part}/${infer Rest}`
  ? Path extends `${infer Sent}/${infer Others}`
    ? FitsPart<Part, Sent> extends true
      ? Fits<Rest, Others>
      : false
    : false
  : Path extends `${string}/${string}`
    ? false
    : FitsPart<Template, Path>;
type FitsPart<Part, Sent> = Part extends `:${string}` ? true : Sent extends Part ? true : false;

type ReplyTo<Method extends string, Path> = {
  [Route in keyof Replies]: Route extends `${Method} ${infer Template}`
    ? Fits<Template, WithoutQuery<Path>> extends true
      ? Replies[Route]
      : never
    : never;
}[keyof Replies];

/** Of a path that is no route's, or of which too little is known, nothing is known. */
export type ReplyOf<Method extends string, Path> = Path extends unknown
  ? [ReplyTo<Method, Path>] extends [never]
    ? unknown
    : ReplyTo<Method, Path>
  : never;
