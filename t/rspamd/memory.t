# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# rspamadm tlsrpt memory: what it tells is what Redis says of each key.

use strict;
use warnings;

use TLSRPT::Test;
use TLSRPT::Made;
use TLSRPT::Rspamd;
use TLSRPT::Store;

my $server = servers(nginx => 0, redis => 1);
my $rspamd = TLSRPT::Rspamd->new(
    server => $server,
    tlsrpt => 'domains = ["example.com"]; prefix = "t";',
);
$rspamd->prepare;

# Month -> kind -> bytes, and what else was said.
sub table {
    my (@args) = @_;

    my ($status, $said) = $rspamd->rspamadm('memory', @args);
    my @lines = grep { /\S/ } split /\n/, $said;
    my ($head) = grep { /^month / } @lines or return ($status, {}, $said);
    my @names = split /\s{2,}/, $head;
    my %table;

    for (@lines) {
        my ($month, @values) = split ' ';
        next if @values != $#names || $month eq 'month';
        @{ $table{$month} }{@names[1 .. $#names]}
            = map { $_ eq '-' ? 0 : $_ } @values;
    }

    return ($status, \%table, $said);
}

my ($status, $table, $said) = table();
is $status, 1, 'an empty Redis';
like $said, qr/nothing is kept/, 'is told';

# January closed, with a report beside it; February open; another domain;
# another program's keys

my $store = TLSRPT::Store->new($server);
my %made = map { $_ => TLSRPT::Made->new(domain => $_, reports => 5) }
    'example.com', 'example.net';

$store->now(1770552000);                    # 2026-02-08T12:00:00Z
for my $domain (sort keys %made) {
    $store->ingest($_) for map { $made{$domain}->day($_) }
        '2026-01-05', '2026-01-28', '2026-02-02';
    $store->close($domain);
    $store->ingest(($made{$domain}->day('2026-01-06'))[0]);
}
$server->redis('SET', 't:{example.com}:2026-02-02:0123456789abcdef', 'x' x 999);
$server->redis('HSET', 't:{example.com}:2026-02-02:kept', 'x', 'y');
$server->redis('ZADD', 't:domains', 0, 'example.com');
$server->redis('SET', 't:{example.com}:problems', 'x' x 300);
$server->redis('LPUSH', "t:{example.com}:$_", 'x' x 200)
    for qw(events acts untold);
$server->redis('SET', "t2:{example.com}:$_", 'x') for 1 .. 2000;
$server->redis('SET', "other:$_", 'x' x 100) for 1 .. 2000;

sub bytes {
    my ($pattern) = @_;

    my $sum = 0;
    $sum += $server->redis('MEMORY', 'USAGE', $_)
        for grep { /$pattern/ } @{ $server->redis('KEYS', 't:*') };

    return $sum;
}

for my $case (['all of it', qr/\{/, 2], ['one domain', qr/\{example\.com\}/, 1,
                                         'Example.COM'])
{
    my ($name, $of, $domains, @args) = @$case;

    ($status, $table, $said) = table(@args);
    is $status, 0, $name;
    is $table->{'2026-01'}{closed}, bytes(qr/${of}.*:2026-01:closed$/),
        "$name: the closed month";
    is $table->{'2026-01'}{'day logs'}, bytes(qr/${of}.*:2026-01-\d\d$/),
        "$name: day logs beside it";
    is $table->{'2026-02'}{closed}, 0, "$name: the open one";
    is $table->{'2026-02'}{'day logs'}, bytes(qr/${of}.*:2026-02-\d\d$/),
        "$name: its day logs";
    is $table->{'2026-02'}{digests}, bytes(qr/${of}.*:2026-02-\d\d:seen$/),
        "$name: its digests";
    is $table->{'2026-02'}{totals}, bytes(qr/${of}.*:2026-02$/),
        "$name: its totals";
    is $table->{'2026-02'}{originals},
        bytes(qr/${of}.*:2026-02-02:(?:kept|0123456789abcdef)$/),
        "$name: originals and their list";
    is $table->{'-'}{domains}, bytes(qr/${of}[^{]*\}$|${of}$/),
        "$name: the domains";
    is $table->{'-'}{problems}, bytes(qr/${of}.*:problems$/),
        "$name: open problems";
    is $table->{'-'}{events}, bytes(qr/${of}.*:(?:events|acts|untold)$/),
        "$name: events";
    is $table->{all}{all}, bytes(@args ? $of : qr/^t:/), "$name: the sum";
    is $table->{all}{keys}, scalar(grep { @args ? /$of/ : 1 }
        @{ $server->redis('KEYS', 't:*') }), "$name: keys";
    like $said, qr/^bytes of $domains domains?$/m, "$name: how many domains";
}

is +(table('b.example'))[0], 1, 'a domain that is not there';
like +(table('b.example'))[2], qr/nothing is kept of b\.example/, 'is told';

$server->redis('ACL', 'SETUSER', 'default', '-memory');
($status, $table, $said) = table();
is $status, 1, 'who may not';
like $said, qr/Redis, MEMORY: .*(?:NOPERM|permission)/, 'is told so';
$server->redis('ACL', 'SETUSER', 'default', '+memory');

$server->stop_redis;
($status, $table, $said) = table();
is $status, 1, 'without Redis';
like $said, qr/cannot connect to Redis|Redis, SCAN: /, 'that is told';

done_testing;
