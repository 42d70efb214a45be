import type { Knex } from 'knex';

/** Lines of a node's journal that tell of the end of a guest's process, once each; kept only where no task explains that end. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('journal_marks', (table) => {
    table.bigIncrements('id');
    table.bigInteger('guest_id').unsigned().notNullable().references('id').inTable('guests');
    table.bigInteger('node_id').unsigned().notNullable().references('id').inTable('nodes');
    table.string('mark', 16).notNullable();
    table.bigInteger('stamp_s').notNullable();
    table.bigInteger('written_earliest').notNullable();
    table.bigInteger('written_latest').notNullable();
    table.bigInteger('created_at').notNullable();
    table.index(['guest_id', 'stamp_s']);
    table.index(['node_id']);
  });
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.dropTable('journal_marks');
}
