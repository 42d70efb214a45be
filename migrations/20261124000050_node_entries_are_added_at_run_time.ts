import type { Knex } from 'knex';

/** Entries of `nodes:` that stand in no config.yaml. `revision` rises with each change, for managers that hold the entry in memory. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('node_entries', (table) => {
    table.bigIncrements('id');
    table.string('name', 255).notNullable().unique();
    table.string('host', 255).notNullable();
    table.integer('port').notNullable();
    table.string('user', 255).notNullable();
    table.string('token_name', 255).notNullable();
    table.text('token_sealed').notNullable();
    table.string('trust', 16).notNullable();
    table.string('fingerprint', 95);
    table.text('ca_pem', 'mediumtext');
    table.string('scope', 16).notNullable();
    table.integer('is_journal').notNullable();
    table.text('agent_names').notNullable();
    table.bigInteger('revision').notNullable();
    table.string('created_by', 255).notNullable();
    table.bigInteger('created_at').notNullable();
    table.bigInteger('updated_at').notNullable();
    table.unique(['host', 'port']);
  });
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.dropTable('node_entries');
}
