import type { Knex } from 'knex';

/** What changed of a guest, and when; values are text, whatever the field. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('guest_changes', (table) => {
    table.bigIncrements('id');
    table.bigInteger('guest_id').unsigned().notNullable().references('id').inTable('guests');
    table.bigInteger('at').notNullable();
    table.bigInteger('earliest');
    table.bigInteger('latest').notNullable();
    table.string('field', 32).notNullable();
    table.text('before_value');
    table.text('after_value');
    table.index(['guest_id', 'at']);
  });
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.dropTable('guest_changes');
}
