import type { Knex } from 'knex';

/** Samples that show a process in one kind of pause, joined; before and after are the samples that show it running. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('pause_spans', (table) => {
    table.bigIncrements('id');
    table.bigInteger('span_id').unsigned().notNullable().references('id').inTable('spans');
    table.string('kind', 32).notNullable();
    table.bigInteger('before_earliest');
    table.bigInteger('before_latest');
    table.bigInteger('first_earliest').notNullable();
    table.bigInteger('first_latest').notNullable();
    table.bigInteger('last_earliest').notNullable();
    table.bigInteger('last_latest').notNullable();
    table.bigInteger('after_earliest');
    table.bigInteger('after_latest');
    table.index(['span_id', 'first_earliest']);
  });
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.dropTable('pause_spans');
}
