import type { Knex } from 'knex';

/** Whether a node that is tracked no more was installed anew: then its name belongs to the generation after it. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.alterTable('nodes', (table) => {
    table.tinyint('is_reinstalled').notNullable().defaultTo(0);
  });
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.alterTable('nodes', (table) => {
    table.dropColumn('is_reinstalled');
  });
}
