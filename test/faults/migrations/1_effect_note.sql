-- Up Migration
-- Needs every other transaction on the table to be over.
alter table effect add column note text;
