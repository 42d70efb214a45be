import type { Knex } from 'knex';

/** Facts of a guest before this instant are neither loaded nor derived again. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.alterTable('guests', (table) => {
    table.bigInteger('frozen_at');
  });
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.alterTable('guests', (table) => {
    table.dropColumn('frozen_at');
  });
}
