/** What routes answer, as schemas: for the documents and for tests. No reply is checked against them in service. */
export { error, list } from './reply-fields.ts';
export * from './payment-replies.ts';
export * from './ledger-replies.ts';
export * from './webhook-replies.ts';
