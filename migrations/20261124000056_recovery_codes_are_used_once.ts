import type { Knex } from 'knex';

/** What stands in for a second factor that is lost: the hash of each code, and when it was spent. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('recovery_codes', (table) => {
    table.bigIncrements('id');
    table.bigInteger('user_id').unsigned().notNullable().references('id').inTable('users').onDelete('CASCADE');
    table.string('code_hash', 255).notNullable().collate('utf8mb4_bin');
    table.bigInteger('used_at');
    table.unique(['user_id', 'code_hash']);
  });
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.dropTable('recovery_codes');
}
