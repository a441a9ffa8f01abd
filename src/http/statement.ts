/** A statement in the form that its reader asks for: JSON, or its entries as CSV or as a journal, as they are taken. */
import { Readable } from 'node:stream';
import type { IncomingHttpHeaders } from 'node:http';
import { ok, type Result, type ResultAsync } from 'neverthrow';
import type { Context } from '../context.ts';
import { nameOfSpan, type Asked } from '../domain/cut.ts';
import type { AccountId, MerchantId } from '../domain/ids.ts';
import { jsonReply, statementView } from '../domain/reply.ts';
import type { StatementView } from '../domain/ledger-views.ts';
import { statementOf, type AccountError } from '../ledger/entries.ts';
import { statementCsv, statementJournal, type Export } from '../ledger/export.ts';
import type { HttpReply } from './respond.ts';

type Format = 'json' | 'csv' | 'hledger';

interface Call {
  readonly merchant: MerchantId;
  readonly params: { readonly id: AccountId };
  readonly query: Asked & { readonly format: Format | undefined };
  readonly headers: IncomingHttpHeaders;
}

export const sendStatement = (
  ctx: Pick<Context, 'ledger' | 'reads' | 'clock'>,
  { merchant, params: { id }, query, headers }: Call,
): ResultAsync<HttpReply<StatementView>, AccountError> =>
  statementOf(ctx, merchant, id, query).map((statement) => {
    const view = statementView(statement);
    switch (formatOf(query.format, headers.accept)) {
      case 'json':
        return jsonReply(200, view);
      case 'csv':
        return streamed('text/csv', `${nameOfSpan(id, view)}.csv`, statementCsv(ctx, merchant, statement));
      case 'hledger':
        return streamed('text/plain', `${nameOfSpan(id, view)}.journal`, statementJournal(ctx, merchant, statement));
    }
  });

/** What the query says, and else the first of what `Accept` names. */
const formatOf = (format: Format | undefined, accept = ''): Format =>
  format ?? (/^text\/csv\b/i.test(accept.trim()) ? 'csv' : 'json');

/** A download, in UTF-8, made as it is taken. Where it breaks off, so does the reply. */
const streamed = (type: 'text/csv' | 'text/plain', name: string, text: Export): HttpReply<never> => {
  const next = async (): Promise<void> => {
    const made = await text.next();
    if (made.done === true) stream.push(null);
    else
      made.value.match(
        (part) => stream.push(part),
        (error) => stream.destroy(new Error(`the export broke off: ${error.code}`, { cause: error.cause })),
      );
  };
  const stream = new Readable({
    read: () => void next().catch((error: unknown) => stream.destroy(error instanceof Error ? error : undefined)),
    destroy: (error, done) => {
      text.return(undefined).then(
        () => done(error),
        () => done(error),
      );
    },
  });
  return {
    status: 200,
    body: '',
    stream,
    headers: { 'Content-Type': `${type}; charset=utf-8`, 'Content-Disposition': `attachment; filename="${name}"` },
  };
};

/** A report as JSON, or as CSV where that is asked for: it is small, and made in one piece. */
export const table =
  <View extends object>(format: 'json' | 'csv' | undefined, accept: string | undefined, csv: (view: View) => string) =>
  (view: View): Result<HttpReply<View>, never> =>
    ok(
      formatOf(format, accept) === 'csv'
        ? { status: 200, body: csv(view), headers: { 'Content-Type': 'text/csv; charset=utf-8' } }
        : jsonReply(200, view),
    );
