/** Where in a database a text stands. */
import pg from 'pg';

/** Every place where a text may stand, and how many rows of it hold one of these. */
export const placesOf = async (databaseUrl: string, texts: readonly string[]): Promise<string[]> => {
  const db = new pg.Client(databaseUrl);
  await db.connect();
  try {
    const columns = await db.query<{ table: string; column: string }>(`
      select c.table_name as table, c.column_name as column from information_schema.columns c
      join information_schema.tables t using (table_schema, table_name)
      where c.table_schema = 'public' and t.table_type = 'BASE TABLE'
        and c.data_type in ('text', 'json', 'jsonb', 'character varying', 'ARRAY', 'bytea')`);
    const found: string[] = [];
    for (const { table, column } of columns.rows) {
      const { rows } = await db.query<{ count: number }>(
        `select count(*)::int as count from "${table}" where "${column}"::text ilike any ($1)`,
        [texts.map((text) => `%${text}%`)],
      );
      const count = rows[0]?.count ?? 0;
      if (count > 0) found.push(`${table}.${column}: ${count}`);
    }
    return found;
  } finally {
    await db.end();
  }
};
