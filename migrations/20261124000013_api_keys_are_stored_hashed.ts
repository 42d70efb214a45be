import type { Knex } from 'knex';

/** Keys for programs: the hash alone is kept. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('api_keys', (table) => {
    table.bigIncrements('id');
    table.string('name', 255).notNullable();
    table.string('scope', 64).notNullable();
    table.string('node', 255).collate('utf8mb4_bin');
    table.string('key_hash', 255).notNullable().collate('utf8mb4_bin').unique();
    table.bigInteger('created_at').notNullable();
    table.bigInteger('last_used_at');
    table.bigInteger('expires_at');
    table.bigInteger('revoked_at');
  });
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.dropTable('api_keys');
}
