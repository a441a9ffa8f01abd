/** What a page may do: a form, its fields as the API takes them, and where it leads. */
import { errAsync, ok, type ResultAsync } from 'neverthrow';
import type { z } from 'zod';
import type { Context } from '../context.ts';
import { paymentError, statusOf, type PaymentError } from '../error.ts';
import { holdsCardNumber } from '../http/card-number.ts';
import { safely } from '../http/route.ts';
import type { Served } from '../http/serve.ts';
import { html } from '../pages/html.ts';
import type { Session } from '../storage/sessions.ts';
import { CONSOLE_HEADERS } from './page.ts';
import { nowIn } from './pieces.ts';
import { errorPart, shell } from './shell.ts';

interface FormSpec<Params, Body> {
  readonly path: string;
  readonly params: z.ZodType<Params>;
  readonly body: z.ZodType<Body>;
  readonly back: (params: Params) => string;
  readonly act: (ctx: Context, session: Session, params: Params, body: Body) => ResultAsync<unknown, PaymentError>;
}

export const formAction = <Params, Body>(spec: FormSpec<Params, Body>): Served<Session> => ({
  method: 'POST',
  path: spec.path,
  roles: ['secret', 'finance'],
  class: 'read',
  cors: false,
  key: 'none',
  schemas: { body: spec.body },
  isForm: true,
  run: (ctx, { principal: session, request, requestId, text }) => {
    request.record.headers = CONSOLE_HEADERS;
    const sent = Object.fromEntries(new URLSearchParams(text));
    const understood = safely(spec.params, request.params).andThen((params) =>
      safely(spec.body, sent).map((body) => ({ params, body })),
    );
    const acted = holdsCardNumber(text.replaceAll('+', ' '))
      ? errAsync(paymentError('card_number_refused'))
      : understood.asyncAndThen(({ params, body }) =>
          spec.act(ctx, session, params, body).map(() => spec.back(params)),
        );
    return acted
      .map((to) => ({ status: 303, body: '', headers: { Location: to, 'Content-Type': 'text/plain' } }))
      .orElse((error) => {
        request.record.error = error;
        // A field is named beside its message; how a program would send it again is not for who has a form.
        const why =
          error.code === 'invalid_request'
            ? html`<p class="said-wrong">${error.message}</p>`
            : errorPart(error, requestId);
        const main = html`${why}
          <p>Go back to the form: what was written is still in it.</p>`;
        return ok({
          status: statusOf(error),
          body: shell(session, request.path, { title: 'That was not done', main }, nowIn(ctx, 'UTC')),
          headers: { 'Content-Type': 'text/html; charset=utf-8' },
        });
      });
  },
});
