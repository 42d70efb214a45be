import type { Knex } from 'knex';

/** People who log in to the pages; names are stored in lower case. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('users', (table) => {
    table.bigIncrements('id');
    table.string('name', 255).notNullable().collate('utf8mb4_bin').unique();
    table.string('password_hash', 255).notNullable();
    table.string('role', 16).notNullable();
    table.bigInteger('created_at').notNullable();
    table.bigInteger('disabled_at');
  });
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.dropTable('users');
}
