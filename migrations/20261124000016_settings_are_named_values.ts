import type { Knex } from 'knex';

/** Values that the manager keeps by name. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('settings', (table) => {
    table.string('name', 191).notNullable().collate('utf8mb4_bin').primary();
    table.text('value');
  });
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.dropTable('settings');
}
