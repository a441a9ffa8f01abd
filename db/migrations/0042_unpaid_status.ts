import { sql, type Kysely } from 'kysely';

/** The release before reads all columns of payments: it plans anew. */
export const replans = true;

/**
 * The status of a payment that is not paid, and of which no call is under way: what its list by status is read from. A
 * charge that succeeds has none from its beginning to its end, so that no index has to be written for what becomes of
 * it. The database keeps it, since the release before does not know it; the trigger runs where it has to change alone.
 */
export const up = async (db: Kysely<unknown>): Promise<void> => {
  await sql`alter table payments add column unpaid_status text`.execute(db);
  await sql`
    create function unpaid_status_of(status text, attempt uuid, ended_attempt uuid) returns text
    language sql immutable parallel safe
    return case when status = 'succeeded' or (status = 'processing' and attempt is distinct from ended_attempt) then null else status end
  `.execute(db);
  await sql`
    create function keep_unpaid_status() returns trigger language plpgsql as $$
    begin
      new.unpaid_status := unpaid_status_of(new.status, new.attempt, new.ended_attempt);
      return new;
    end $$`.execute(db);
  await sql`
    create trigger payments_unpaid_status before insert or update on payments for each row
    when (new.unpaid_status is distinct from unpaid_status_of(new.status, new.attempt, new.ended_attempt))
    execute function keep_unpaid_status()`.execute(db);
};
