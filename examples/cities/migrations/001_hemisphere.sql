-- Up Migration
alter table city add column hemisphere text;

-- Down Migration
alter table city drop column hemisphere;
