-- The shop: who ordered what, and what was paid back. Money is in cents; dates are days, null if not yet.
create table orders (
    id           text primary key,
    email        text not null,
    customer     text not null,
    status       text not null check (status in ('processing', 'shipped', 'delivered', 'cancelled')),
    shipped_date text
);

create table order_items (
    order_id text not null references orders (id),
    name     text not null,
    price    integer not null,
    quantity integer not null
);

create table refunds (
    id       integer primary key,
    order_id text not null references orders (id),
    amount   integer not null
);

insert into orders values
    ('1041', 'ada@example.com',   'Ada Byron',    'delivered',  '2026-11-02'),
    ('1042', 'ada@example.com',   'Ada Byron',    'shipped',    '2026-11-18'),
    ('1043', 'grace@example.com', 'Grace Murray', 'processing', null),
    ('1044', 'grace@example.com', 'Grace Murray', 'delivered',  '2026-11-09'),
    ('1045', 'alan@example.com',  'Alan Mathison', 'cancelled', null);

insert into order_items values
    ('1041', 'Notebook',         450,   3),
    ('1042', 'Desk lamp',        3990,  1),
    ('1042', 'Light bulb',       495,   2),
    ('1043', 'Fountain pen',     8900,  1),
    ('1043', 'Ink, black',       1250,  2),
    ('1044', 'Standing desk',    61900, 1),
    ('1044', 'Office chair',     24900, 1),
    ('1044', 'Cable tray',       1990,  1),
    ('1045', 'Typewriter ribbon', 990,  4);
