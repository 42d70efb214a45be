import type { Knex } from 'knex';

/** Null where a poll saw the span. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.alterTable('spans', (table) => {
    table.string('source', 16);
  });
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.alterTable('spans', (table) => {
    table.dropColumn('source');
  });
}
