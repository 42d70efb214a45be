import type { Knex } from 'knex';

/** A user's second factor: the sealed secret of an authenticator, which counts once it was confirmed. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('second_factors', (table) => {
    table.bigInteger('user_id').unsigned().notNullable().primary();
    table.foreign('user_id').references('id').inTable('users').onDelete('CASCADE');
    table.text('sealed_secret').notNullable();
    table.bigInteger('last_step');
    table.bigInteger('created_at').notNullable();
    table.bigInteger('confirmed_at');
  });
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.dropTable('second_factors');
}
