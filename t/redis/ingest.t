#!/usr/bin/perl

# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# The script of ingest by itself, in a real Redis: what is counted, once; what
# is kept, how long; what happens at the limits and among keys of others.

use strict;
use warnings;

use TLSRPT::Test;

my $HEAD = 2048;
my $DETAILED = 196608;
my $FULL = 262144;
my $LISTED = 10000;
my $MOST = 9007199254740991;

my $t = servers(nginx => 0, redis => 1);
my $script = $t->read_file(TLSRPT::Server::top() . '/shared/redis/ingest.lua');

my @KEYS = map { "t:{example.com}$_" } ':2026-01-10', ':2026-01-10:seen',
    ':2026-01', '', ':2026-01-10:reports', ':2026-01-10:0123456789abcdef';
my ($CELL, $SEEN, $MONTH, $DOMAIN, $LIST, $ORIGINAL) = @KEYS;

my $digests = 0;

sub digest { return 'digest' . pack 'n', ++$digests }

sub varint {
    my ($value) = @_;

    my $text = '';

    for (; $value >= 128; $value >>= 7) {
        $text .= chr($value & 127 | 128);
    }

    return $text . chr $value;
}

# A record of so many bytes, its length's own included.
sub record {
    my ($digest, $size) = @_;

    my $filler = chr 0;
    my $length = length($digest) + 1;

    while (length(varint($length)) + $length < $size) {
        $length++;
        $filler .= 'x';
    }

    return varint($length) . $digest . $filler;
}

my @ARGUMENTS = qw(record brief digest number day successful failed detailed
                   now keep_cell keep_month keep_domain keep_original entry
                   original);

# A report's arguments, and what it says otherwise.
sub arguments {
    my (%report) = @_;

    my $digest = delete $report{digest} || digest();
    my %all = (
        digest => $digest, record => record($digest, 40),
        brief => record($digest, 20), number => unpack('q>', $digest),
        day => 10, successful => 100, failed => 3, detailed => 5,
        now => 1768000000, keep_cell => 1000, keep_month => 2000,
        keep_domain => 3000, keep_original => 500, entry => '{"o":"x"}',
        original => 'as it came', types => ['tlsa-invalid', 3, 'other', 2],
        %report,
    );

    return (@all{@ARGUMENTS}, @{ $all{types} });
}

sub ingest { return $t->redis('EVAL', $script, 6, @KEYS, @_) }

sub error_of {
    my ($code) = @_;

    eval { $code->(); 1 } and return '';
    return $@;
}

# All that there is, and how long yet.
sub all_kept {
    return { map { $_ => [$t->redis('DUMP', $_), $t->redis('TTL', $_)] }
             @{ $t->redis('KEYS', '*') } };
}

sub totals { return $t->redis('HGET', $MONTH, 10) }
sub flush  { return $t->redis('FLUSHALL') }

sub cell_is {
    my ($want, $name) = @_;

    my $got = $t->redis('GET', $CELL);
    ok $got eq $want, $name or diag length($got) . ' for ' . length $want;

    return;
}


# One report

my @one = arguments();

is ingest(@one), 1, 'a report is counted';
cell_is $one[0], 'its record is the cell';
is totals(), '1 100 3 0', 'the totals of the day';
is_deeply {@{ $t->redis('HGETALL', $DOMAIN) }},
    { all => '1 100 3 1768000000', 't:tlsa-invalid' => 3, 't:other' => 2 },
    'the totals of the domain';
is_deeply $t->redis('HGETALL', $LIST), [$one[2], $one[13]], 'the list';
is $t->redis('GET', $ORIGINAL), 'as it came', 'the original';

my %ttl = ($CELL => 1000, $MONTH => 2000, $DOMAIN => 3000, $LIST => 500,
           $ORIGINAL => 500);
is_deeply [sort @{ $t->redis('KEYS', '*') }], [sort keys %ttl],
    'no other key is written';
for my $key (sort keys %ttl) {
    my $left = $t->redis('TTL', $key);
    ok $left > $ttl{$key} - 100 && $left <= $ttl{$key}, "$key expires";
}

my $before = all_kept();
is ingest(@one), 0, 'a duplicate is not';
is_deeply all_kept(), $before, 'and changes nothing';

my @two = arguments(now => 1768000100);
is ingest(@two), 1, 'another report';
cell_is $one[0] . $two[0], 'stands behind the first';
is totals(), '2 200 6 0', 'and adds up';
is $t->redis('HGET', $DOMAIN, 'all'), '2 200 6 1768000100', 'for the domain';
is $t->redis('HGET', $DOMAIN, 't:tlsa-invalid'), 6, 'by result type';
is $t->redis('HLEN', $LIST), 2, 'in the list';

flush();
ingest(arguments(keep_original => 0, entry => '', original => ''));
is_deeply [sort @{ $t->redis('KEYS', '*') }], [sort $CELL, $MONTH, $DOMAIN],
    'originals need not be kept';
ingest(arguments(types => []));
is totals(), '2 200 6 0', 'no failures of any type';


# Digests

flush();
my $digest = digest();
my $other = digest();
ingest(arguments(digest => $other,
                 record => varint(28) . $other . "\0$digest" . 'x' x 11));
is ingest(arguments(digest => $digest)), 1,
    'a digest within the text of another record is none';
is ingest(arguments(digest => $digest)), 0, 'one of a record is';
is ingest(arguments(digest => $other)), 0, 'and so is the first';

for my $size ($HEAD - 16 .. $HEAD + 4) {
    flush();
    my ($first, $second) = (digest(), digest());
    my @first = arguments(digest => $first, record => record($first, $size));
    my @second = arguments(digest => $second);

    is join('', map { ingest(@$_) } \@first, \@second, \@second, \@first,
            [arguments()]), '11001', "once, behind $size bytes";
}

flush();
my @reports = map { [arguments()] } 1 .. 300;
ingest(@$_) for @reports;
is_deeply [grep { ingest(@$_) } @reports], [], 'duplicates in a long cell';
is totals(), '300 30000 900 0', 'each counted once';
cell_is join('', map { $_->[0] } @reports), 'each kept';
is $t->redis('OBJECT', 'ENCODING', $SEEN), 'intset', 'digests are numbers';
is $t->redis('SCARD', $SEEN), 300 - int(($HEAD - 11) / 40) - 1,
    'of the reports behind the head alone';
ok $t->redis('TTL', $SEEN) > 900, 'the digests expire';
ok $t->redis('TTL', $CELL) > 900, 'the cell still expires';


# Limits

flush();
my @large = arguments(record => record(digest(), 150_000));
@large[2, 3] = (substr($large[0], 3, 8), 1);
ingest(@large);
my @next = arguments();
$next[0] = record($next[2], $DETAILED - 150_000);
ingest(@next);
cell_is $large[0] . $next[0], 'up to the limit with details';

my @brief = arguments();
ingest(@brief);
cell_is $large[0] . $next[0] . $brief[1], 'beyond it without';

my @filling = arguments();
$filling[1] = record($filling[2], $FULL - $DETAILED - length $brief[1]);
ingest(@filling);
is $t->redis('STRLEN', $CELL), $FULL, 'up to the limit without';
is totals(), '4 400 12 0', 'nothing beyond yet';

$before = $t->redis('GET', $CELL);
my @beyond = arguments(detailed => 7);
is ingest(@beyond), 1, 'a report beyond all limits';
cell_is $before, 'leaves the cell';
is totals(), '5 500 15 7', 'and counts';
is ingest(@beyond), 0, 'once';
is totals(), '5 500 15 7', 'no more';

flush();
$t->redis('EVAL', "for i = 1, $LISTED - 1 do "
                  . "redis.call('HSET', KEYS[1], i, '') end", 1, $LIST);
ingest(arguments());
is $t->redis('HLEN', $LIST), $LISTED, 'the list is filled';
$t->redis('DEL', $ORIGINAL);
is ingest(arguments()), 1, 'a report more counts';
is $t->redis('HLEN', $LIST), $LISTED, 'and is not listed';
is $t->redis('EXISTS', $ORIGINAL), 0, 'nor kept';

flush();
$t->redis('HSET', $MONTH, 10, "1 $MOST 0 0");
$t->redis('HSET', $DOMAIN, 'all', "$MOST 1 1 1", 't:other', $MOST - 1);
ingest(arguments(successful => $MOST, failed => $MOST));
is totals(), "2 $MOST $MOST 0", 'a day is never over 2^53 - 1';
is $t->redis('HGET', $DOMAIN, 'all'), "$MOST $MOST $MOST 1768000000",
    'nor is the domain';
is $t->redis('HGET', $DOMAIN, 't:other'), $MOST, 'nor a result type';

flush();
ingest(arguments(successful => $MOST - 4, failed => 1));
ingest(arguments(successful => 3, failed => 0));
is totals(), '2 ' . ($MOST - 1) . ' 1 0', 'large numbers are exact';


# What others did to the keys

flush();
ingest(arguments());
$t->redis('DEL', $DOMAIN);
ingest(arguments());
ok $t->redis('TTL', $DOMAIN) > 0, 'a domain that was lost expires again';
is $t->redis('HGET', $DOMAIN, 'all'), '1 100 3 1768000000', 'and begins anew';

for my $wrong ([SET => $MONTH, 'x'], [SET => $DOMAIN, 'x'],
    [SET => $LIST, 'x'], [SADD => $CELL, 'x'], [HSET => $MONTH, 10, 'x'],
    [HSET => $MONTH, 10, '1 2 3'], [HSET => $DOMAIN, 'all', ''],
    [HSET => $DOMAIN, 't:other', 'many'])
{
    flush();
    $t->redis(@$wrong);
    $before = all_kept();
    isnt error_of(sub { ingest(arguments()) }), '', "@$wrong is an error";
    is_deeply all_kept(), $before, 'and nothing is half counted';
}

flush();
ingest(arguments(record => record(digest(), 5000)));
$t->redis('DEL', $SEEN);
$t->redis('SET', $SEEN, 'x', 'EX', 100);
$before = all_kept();
isnt error_of(sub { ingest(arguments()) }), '', 'digests of a wrong type';
is_deeply all_kept(), $before, 'and nothing is half counted';

flush();
$digest = digest();
$t->redis('SET', $CELL, "\xff" x 20 . $digest . "\xff" x 3);
is ingest(arguments(digest => $digest)), 1, 'a cell of nonsense is survived';

flush();
$t->redis('SADD', $ORIGINAL, 'x');
is ingest(arguments()), 1, 'the original replaces what was there';


# Keys and commands: those that Redis 6.0 has, and KEYS

flush();
$t->redis('ACL', 'SETUSER', 'narrow', 'on', '>narrow', (map { "~$_" } @KEYS),
          '-@all', map { "+$_" } qw(eval getrange strlen append set hget hset
                                    hmget hlen sadd expire));
$t->redis('AUTH', 'narrow', 'narrow');
@reports = map { [arguments()] } 1 .. 120;
is_deeply [map { ingest(@$_) } @reports, @reports], [(1) x 120, (0) x 120],
    'a user who may use the six keys and a few commands can ingest';

done_testing;
