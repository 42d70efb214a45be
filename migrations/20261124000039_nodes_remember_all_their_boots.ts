import type { Knex } from 'knex';

/** Every boot that is known, as JSON: those told by tasks that are no evidence would be forgotten else. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.alterTable('nodes', (table) => {
    table.text('boots');
  });
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.alterTable('nodes', (table) => {
    table.dropColumn('boots');
  });
}
