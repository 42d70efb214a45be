-- The database for MySQL 8 or MariaDB 10.6 and later; run it as an administrator after putting a password of your own.
CREATE DATABASE tracker CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
CREATE USER 'tracker'@'%' IDENTIFIED BY 'a long password';
GRANT ALL PRIVILEGES ON tracker.* TO 'tracker'@'%';
