import type { Knex } from 'knex';

/** Who changed what from where; nothing refers to it, so that it outlives what it tells of. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('audit_log', (table) => {
    table.bigIncrements('id');
    table.bigInteger('at').notNullable();
    table.string('actor', 255).notNullable();
    table.string('address', 255);
    table.string('action', 255).notNullable();
    table.text('subject');
    table.text('before_value');
    table.text('after_value');
    table.index(['at']);
  });
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.dropTable('audit_log');
}
