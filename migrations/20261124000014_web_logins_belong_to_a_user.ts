import type { Knex } from 'knex';

/** A browser that is logged in: the hash of its token, and the token that its forms must carry. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('web_logins', (table) => {
    table.bigIncrements('id');
    table.string('token_hash', 255).notNullable().collate('utf8mb4_bin').unique();
    table.bigInteger('user_id').unsigned().notNullable().references('id').inTable('users').onDelete('CASCADE');
    table.string('csrf_token', 255).notNullable();
    table.string('address', 255);
    table.bigInteger('created_at').notNullable();
    table.bigInteger('last_used_at').notNullable();
    table.bigInteger('expires_at').notNullable();
  });
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.dropTable('web_logins');
}
