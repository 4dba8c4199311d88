#!/usr/bin/perl

# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# The script of ingest by itself, in a real Redis: what is counted, once; what
# is kept, how long, in how much room; what happens at the limits and among keys
# of others.

use strict;
use warnings;

use TLSRPT::Test;

my $DETAILED = 196608;
my $FULL = 262144;
my $SMALL = 4096;
my $LISTED = 10000;
my $KEPT = 16777215;
my $MOST = 9007199254740991;

my $t = servers(nginx => 0, redis => 1);
my $script = $t->read_file(TLSRPT::Server::top() . '/shared/store/ingest.lua');

# The keys of a day in January 2026, of which the 5th was a Monday.
sub keys_of {
    my ($day) = @_;

    my @dates = map { sprintf ':2026-01-%02d', $_ }
        $day, $day - 1, $day - ($day - 5) % 7;

    return map { "t:{example.com}$_" } @dates[0, 1], "$dates[2]:seen",
        ':2026-01', '', "$dates[0]:kept", "$dates[0]:0123456789abcdef";
}

my @KEYS = keys_of(10);
my ($DAY_LOG, $BEFORE, $SEEN, $MONTH, $DOMAIN, $LIST, $ORIGINAL) = @KEYS;

my ($digests, $packed) = (0, 0);

sub digest { return 'digest' . pack 'n', ++$digests }
sub number { return unpack 'q>', $_[0] }

# Of so many bytes, unlike all others.
sub packed {
    my ($size) = @_;

    return substr "\0\r\n\xff" . ++$packed . 'x' x $size, 0, $size;
}

# A report that has not been before, and what it says otherwise.
sub one {
    return (digest => digest(), packed => packed(40), brief => packed(20),
            day => 10, successful => 100, failed => 3, now => 1768000000,
            keep_log => 1000, keep_month => 2000, keep_domain => 3000,
            due => 20492, detailed => 5, late => '', keep_original => 500,
            name => 'abc', entry => "\1\0as it\0came", text => '', keeps => 1,
            types => ['tlsa-invalid', 3, 'other', 2], @_);
}

sub ingest {
    my %report = one(@_);

    my @keys = keys_of($report{day});
    my @arguments = (@report{qw(packed brief)}, number($report{digest}),
        @report{qw(day successful failed now)},
        join(' ', @report{qw(keep_log keep_month keep_domain due detailed)}),
        $report{late});

    if ($report{keeps}) {
        push @arguments, @report{qw(keep_original name entry text)};
        pop @keys if $report{text} eq '';
    } else {
        splice @keys, 5;
    }

    return $t->redis('EVAL', $script, scalar @keys, @keys, @arguments,
                     @{ $report{types} });
}

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

# The numbers of a total: seven bytes each, least significant first.
sub to_totals   { return join '', map { substr pack('Q<', $_), 0, 7 } @_ }
sub from_totals {
    my ($bytes) = @_;

    return 'none' if !defined $bytes;
    return 'broken' if length($bytes) % 7;
    return join ' ', map { unpack 'Q<', "$_\0" } unpack '(a7)*', $bytes;
}

sub of_day { return from_totals($t->redis('HGET', $MONTH, $_[0] || 10)) }
sub of_all { return from_totals($t->redis('HGET', $DOMAIN, 'all')) }

# The list, the numbers of each entry in words.
sub list {
    my @list = @{ $t->redis('LRANGE', $LIST, 0, -1) };

    for (@list[grep { $_ % 2 } 0 .. $#list]) {
        my ($index, $low, $high, $rest) = unpack 'vvCa*', $_;
        $_ = join ' ', $index, $low + ($high << 16), $rest;
    }

    return \@list;
}

sub flags {
    my @list = @{ $t->redis('LRANGE', $LIST, 0, -1) };

    return [map { ord substr $list[2 * $_ + 1], 6, 1 } 0 .. $#list / 2];
}

sub flush  { return $t->redis('FLUSHALL') }

sub kept_are {
    my ($want, $name) = @_;

    return is_deeply [sort @{ $t->redis('KEYS', '*') }], [sort @$want], $name;
}

sub log_is {
    my ($want, $name) = @_;

    my $got = $t->redis('GET', $DAY_LOG);
    $got = '' if !defined $got;
    ok $got eq $want, $name or diag length($got) . ' for ' . length $want;

    return;
}

sub expires {
    my ($key, $ttl, $name) = @_;

    my $left = $t->redis('TTL', $key);
    ok $left > $ttl - 50 && $left <= $ttl, $name || "$key expires"
        or diag "$left for $ttl";

    return;
}

# Bytes behind a string: those that it takes, a copy does not.
sub room {
    my ($key) = @_;

    my $copy = 'c' x length $key;
    $t->redis('SET', $copy, $t->redis('GET', $key), 'EX', 100);
    my $room = $t->redis('MEMORY', 'USAGE', $key)
               - $t->redis('MEMORY', 'USAGE', $copy);
    $t->redis('DEL', $copy);

    return $room;
}


# One report

my %one = one();

is ingest(%one), 2, 'a report is counted, the first of its day';
log_is $one{packed}, 'its packed report is the day log';
is of_day(), '1 100 3 40', 'the totals of the day';
is of_all(), '1 100 3 1768000000', 'the totals of the domain';
is $t->redis('HGET', $DOMAIN, 'o:2026-01'), 20492, 'the month is to be closed';
is $t->redis('STRLEN', $DAY_LOG), 40, 'the size is the day log\'s';
is length $t->redis('HGET', $MONTH, 10), 28, 'four numbers of a day';
is_deeply {@{ $t->redis('HGETALL', $DOMAIN) }},
    { all => $t->redis('HGET', $DOMAIN, 'all'), p => '1 0', 't:tlsa-invalid' => 3,
      't:other' => 2, 'o:2026-01' => 20492 }, 'the failures by result type';
is_deeply $t->redis('SMEMBERS', $SEEN), [number($one{digest})], 'the digest';
is_deeply list(), ['abc', "0 20 \1\0as it\0came"], 'the list';

my %ttl = ($DAY_LOG => 1000, $SEEN => 2000, $MONTH => 2000, $DOMAIN => 3000,
           $LIST => 500);
kept_are [keys %ttl], 'no other key is written';
expires($_, $ttl{$_}) for sort keys %ttl;

my $before = all_kept();
is ingest(%one), 0, 'a duplicate is not';
is_deeply all_kept(), $before, 'and changes nothing';
is ingest(%one, packed => packed(90), successful => 7, late => 1,
          types => ['other', 9], keep_log => 1, keep_month => 1,
          keep_domain => 1), 0, 'its digest alone tells';
is_deeply all_kept(), $before, 'and changes nothing';

my %two = one(now => 1768000100, keep_log => 10, keep_month => 10,
              keep_domain => 10, keep_original => 600);
is ingest(%two), 1, 'another report';
log_is $one{packed} . $two{packed}, 'stands behind the first';
is of_day(), '2 200 6 80', 'and adds up';
is of_all(), '2 200 6 1768000100', 'for the domain';
is $t->redis('HGET', $DOMAIN, 't:tlsa-invalid'), 6, 'by result type';
is_deeply list(), ['abc', "0 20 \1\2as it\0came",
                   'abc', "1 40 \1\2as it\0came"],
    'in the list, each said to have the name of another';
$ttl{$LIST} = 600;
expires($_, $ttl{$_}) for sort keys %ttl;

flush();
is ingest(keeps => 0), 2, 'originals need not be kept';
kept_are [$DAY_LOG, $SEEN, $MONTH, $DOMAIN], 'neither them nor a list';
is_deeply {@{ $t->redis('HGETALL', $DOMAIN) }},
    { all => to_totals(1, 100, 3, 1768000000), p => '1 0', 't:tlsa-invalid' => 3,
      't:other' => 2, 'o:2026-01' => 20492 }, 'the failures by result type then';

for my $keeps (0, 1) {
    flush();
    is ingest(types => [], keeps => $keeps, digest => '12345678'), 2,
        'no failures of any type';
    is of_day(), '1 100 3 40', 'is counted';
    is_deeply $t->redis('HKEYS', $DOMAIN), ['all', 'p', 'o:2026-01'], 'without any';
}

flush();
is ingest(successful => 0, failed => 0, types => [], brief => '',
          packed => packed(2)), 2, 'a report of no sessions';
is of_day(), '1 0 0 2', 'is a report';


# Open problems: "p", which reckonings write

for my $case (['1 1', 16, 'an open problem asks for a look'],
              ['7 12', 16, 'by whichever rules'],
              ['1 0', 0, 'none does not'],
              ['', 0, 'nor an empty value'], ['1', 0, 'nor half of one'],
              ['1 1 1', 0, 'nor more than that'], ['x 1', 0, 'nor a word'])
{
    my ($p, $look, $name) = @$case;

    flush();
    %one = one();
    is ingest(%one), 2, 'a domain that had no data';
    is $t->redis('HGET', $DOMAIN, 'p'), '1 0', 'has no open problem yet';
    $t->redis('HSET', $DOMAIN, 'p', $p);
    is ingest(), 1 + $look, $name;
    is ingest(day => 11), 2 + $look, 'the first of its day';
    $t->redis('HSET', $DOMAIN, 'o:2026-01', 1);
    is ingest(day => 13), 3 + $look, 'and with a month that is due';
    is ingest(%one), 0, 'a duplicate asks for nothing';
    is $t->redis('HGET', $DOMAIN, 'p'), $p, 'it stays';
}

flush();
ingest();
$t->redis('HDEL', $DOMAIN, 'p');
is ingest(), 1 + 16, 'older data, of which none was worked out, do';
is ingest(day => 11), 2 + 16, 'on another day, too';
is $t->redis('HGET', $DOMAIN, 'p'), undef, 'and are not said to be newer';


# Digests

flush();
%one = one();
is ingest(%one), 2, 'the first of a day';
is ingest(%one, day => 11), 0, 'a digest is of a week';
is of_day(11), 'none', 'and not of a day';
is ingest(%one, day => 12), 2, 'of another week it is another';
%two = one(day => 11, keep_month => 2500);
is ingest(%two), 2, 'the first of another day of the week';
is ingest(%two), 0, 'is then known';
is_deeply [sort @{ $t->redis('SMEMBERS', $SEEN) }],
    [sort map { number($_) } $one{digest}, $two{digest}],
    'one set for both days';
expires($SEEN, 2500);
is of_all(), '3 300 9 1768000000', 'all for the domain';
is join('|', map { of_day($_) } 10 .. 12), join('|', ('1 100 3 40') x 3),
    'each for its day';

flush();
my @digests = ("\0" x 8, "\xff" x 8, "\x80" . "\0" x 7, "\x7f" . "\xff" x 7,
               "\0" x 7 . "\1");
is join('', map { ingest(digest => $_) } @digests), 21111, 'any eight bytes';
is join('', map { ingest(digest => $_) } @digests), '00000', 'are a digest';
is $t->redis('OBJECT', 'ENCODING', $SEEN), 'intset', 'digests are numbers';

flush();
my @reports = map { { one(day => $_ % 2 + 10, late => $_ % 3 ? '' : 1) } }
    1 .. 300;
ingest(%$_) for @reports;
is_deeply [grep { ingest(%$_) } @reports], [], 'duplicates among many';
is of_day($_), '150 15000 450 6000', 'each counted once' for 10, 11;
log_is join('', map { $_->{packed} } grep { $_->{day} == 10 } @reports),
    'each kept';
is $t->redis('OBJECT', 'ENCODING', $SEEN), 'intset', 'the digests in a set';
is $t->redis('SCARD', $SEEN), 300, 'one';


# Limits

flush();
my $large = packed(150_000);
is ingest(packed => $large), 2, 'a large packed report';
my $next = packed($DETAILED - length $large);
ingest(packed => $next);
log_is $large . $next, 'up to the limit with details';

my %brief = one();
ingest(%brief);
log_is $large . $next . $brief{brief}, 'beyond it without';
is of_day(), '3 300 9 ' . ($DETAILED + 20), 'in so much room';

my %filling = one(brief => '');
ingest(%filling);
my $day_log = $large . $next . $brief{brief} . $filling{packed};
log_is $day_log, 'but in full if it is short';

my $last = packed($FULL - length $day_log);
ingest(brief => $last);
log_is $day_log . $last, 'up to the limit without';
is of_day(), "5 500 15 $FULL", 'nothing beyond yet';

my %beyond = one(detailed => 7, packed => packed(1), brief => '');
is ingest(%beyond), 1, 'a report beyond all limits';
log_is $day_log . $last, 'leaves the day log';
is of_day(), "6 600 18 $FULL 7", 'and counts';
is length $t->redis('HGET', $MONTH, 10), 35, 'in five numbers';
is of_all(), '6 600 18 1768000000', 'for the domain too';
is ingest(%beyond), 0, 'once';
is of_day(), "6 600 18 $FULL 7", 'no more';
is ingest(late => 1), 1, 'another one, late';
is of_day(), "7 700 21 $FULL 12", 'adds up';
log_is $day_log . $last, 'and leaves the day log';

flush();
$t->redis('SET', $DAY_LOG, 'x' x 9, 'EX', 70);
$t->redis('HSET', $MONTH, 10, to_totals(1, 1, 1, $FULL - 20, 4));
is ingest(), 2, 'what the day log takes after others that it did not';
log_is 'x' x 9 . $t->redis('GETRANGE', $DAY_LOG, 9, -1), 'is behind it';
is $t->redis('STRLEN', $DAY_LOG), 29, 'and short';
is of_day(), "2 101 4 $FULL 4", 'and leaves those counted';

for my $late ('', 1) {
    for my $size ($DETAILED, $DETAILED + 1, $FULL, $FULL + 1) {
        flush();
        my %at = one(packed => packed($size), late => $late);
        is ingest(%at), 2, "a first packed report of $size bytes";
        log_is $size > $DETAILED ? $at{brief} : $at{packed},
            'with details, or without';

        flush();
        is ingest(%at, brief => ''), 2, 'if there is nothing shorter';
        log_is $size > $FULL ? '' : $at{packed}, 'in full, or not at all';
        is of_day(), '1 100 3 ' . ($size > $FULL ? '0 5' : $size),
            'and counted';
        expires($_, $ttl{$_}) for $SEEN, $MONTH, $DOMAIN;
    }
}

flush();
$t->redis('RPUSH', $LIST, '', pack 'vvC', $LISTED - 2, 1000, 0);
ingest();
is_deeply [list()->[-1]], [$LISTED - 1 . " 1020 \1\0as it\0came"],
    'the list is filled';
expires($LIST, 500);
is ingest(keep_original => 900), 1, 'a report more counts';
is $t->redis('LLEN', $LIST), 4, 'and is not listed';
expires($LIST, 500);

for my $size ($KEPT - 20, $KEPT - 19) {
    flush();
    my $fits = $size + 20 <= $KEPT;
    $t->redis('RPUSH', $LIST, '', substr pack('vV', 7, $size), 0, 5);
    is ingest(), 2, "a report behind $size bytes of others counts";
    is_deeply list(), ['', "7 $size ",
                       $fits ? ('abc', "8 $KEPT \1\0as it\0came") : ()],
        $fits ? 'and is kept' : 'and is not kept';
}

flush();
my %long = one(text => 'as it came, at length');
is ingest(%long), 2, 'one with a long text';
is_deeply list(), ['abc', "0 41 \1\0as it\0came"], 'which counts';
is $t->redis('GET', $ORIGINAL), $long{text}, 'has it in a key of its own';
expires($ORIGINAL, 500);
is ingest(%long, digest => digest(), keep_original => 900), 1,
    'a text that was there';
expires($ORIGINAL, 900, 'is kept longer');

# Names: the last report of a name is looked for, if not too many are between.

flush();
ingest(name => '');
ingest(name => '');
is_deeply flags(), [0, 0], 'without names';
ingest(name => $_) for 'abc', 'abd', "\0\r\n", 'abd';
is_deeply flags(), [0, 0, 0, 2, 0, 2], 'of one name';
ingest(name => "\0\r\n", entry => "\1\x85x");
is_deeply flags(), [0, 0, 0, 2, 2, 2, 0x87], 'of another, other flags stay';
ingest(name => 'abd');
is_deeply flags(), [0, 0, 0, 2, 2, 2, 0x87, 2], 'a third one';

for my $between (999, 1000) {
    flush();
    ingest(name => 'one');
    $t->redis('EVAL', "for i = 1, $between do redis.call('RPUSH', KEYS[1], '', "
              . "'\0\0\0\0\0\1\0') end", 1, $LIST);
    ingest(name => 'one');
    is flags()->[0], $between == 999 ? 2 : 0, "$between between";
}

flush();
$t->redis('HSET', $MONTH, 10, to_totals(1, $MOST, 0, $FULL, $MOST - 1));
$t->redis('HSET', $DOMAIN, 'all', to_totals($MOST, 1, 1, 1));
ingest(successful => $MOST, failed => $MOST);
is of_day(), "2 $MOST $MOST $FULL $MOST", 'a day is never over 2^53 - 1';
is of_all(), "$MOST $MOST $MOST 1768000000", 'nor is the domain';

flush();
$t->redis('HSET', $MONTH, 10, to_totals($MOST, 0, $MOST, 0));
ingest();
is of_day(), "$MOST 100 $MOST 40", 'nor are its reports';

flush();
ingest(successful => $MOST - 4, failed => 1);
ingest(successful => 3, failed => 0);
is of_day(), '2 ' . ($MOST - 1) . ' 1 80', 'large numbers are exact';
is of_all(), '2 ' . ($MOST - 1) . ' 1 1768000000', 'for the domain too';

flush();
my %stays = ('t:text' => 'many', 't:empty' => '', 't:space' => ' 1',
             't:most' => '9223372036854775807', 't:half' => '1.5');
$t->redis('HSET', $DOMAIN, %stays, 't:other', $MOST, 't:last', 7);
is ingest(types => [(map { substr($_, 2), 1 } sort keys %stays), 'other', 2,
                    'last', 3]), 2, 'values that cannot be added to';
my %fields = @{ $t->redis('HGETALL', $DOMAIN) };
is_deeply { map { $_ => $fields{$_} } keys %stays }, \%stays, 'stay';
is $fields{'t:other'}, '9007199254740993', 'others are exact';
is $fields{'t:last'}, 10, 'and added to';
is of_day(), '1 100 3 40', 'and all else counts';
is of_all(), '1 100 3 1768000000', 'for the domain too';
log_is $t->redis('GET', $DAY_LOG), 'and is kept';


# Late: the days after it have had their reports

flush();
my $text = '';
for my $n (1 .. 5) {
    my %late = one(packed => packed(100), late => 1, keep_log => 1000 * $n);
    $text .= $late{packed};
    is ingest(%late), $n == 1 ? 2 : 1, 'a late report';
    log_is $text, 'is in the day log';
    is of_day(), join(' ', $n, 100 * $n, 3 * $n, 100 * $n), 'and counted';
    is room($DAY_LOG), 0, 'that has no room behind it';
    is ingest(%late), 0, 'once';
    expires($DAY_LOG, 1000);
}
kept_are [grep { $_ ne $BEFORE && $_ ne $ORIGINAL } @KEYS], 'no other key is written';

flush();
ingest(packed => packed(100)) for 1 .. 3;
cmp_ok room($DAY_LOG), '>', 100, 'one in time leaves room behind it';
ingest(packed => packed(100), late => 1, keeps => 0, types => []);
is room($DAY_LOG), 0, 'that a late one takes';
is $t->redis('STRLEN', $DAY_LOG), 400, 'no more';

for my $size ($SMALL - 1, $SMALL) {
    flush();
    my @both = map { packed($_) } $size, 2000;
    ingest(packed => $both[0]);
    is ingest(packed => $both[1], late => 1), 1, "a late one behind $size";
    log_is join('', @both), 'is there';
    ok $size < $SMALL ? room($DAY_LOG) == 0 : room($DAY_LOG) > 100,
        'without room if the day log is small';
    expires($DAY_LOG, 1000);
}


# The first of a day: the day before has had its reports

for my $size (100, $SMALL, 60_000) {
    flush();
    ingest(day => 9, keep_log => 800, packed => packed($size)) for 1 .. 3;
    my $text = $t->redis('GET', $BEFORE);
    my $room = room($BEFORE);
    cmp_ok $room, '>', 100, "the day before has room, $size bytes a report";

    %one = one();
    ingest(%one, digest => digest(), late => 1);
    is room($BEFORE), $room, 'a late one leaves it';
    is ingest(%one), 1, 'and a second one of the day';
    is room($BEFORE), $room, 'leaves it';

    $t->redis('DEL', $DAY_LOG, $MONTH, $SEEN);
    is ingest(%one), 2, 'the first one of the day';
    is room($BEFORE), 0, 'takes it';
    ok $text eq $t->redis('GET', $BEFORE), 'and nothing else';
    expires($BEFORE, 800);
    is $t->redis('STRLEN', $DAY_LOG), 40, 'its own day log has no part in that';
}

flush();
is ingest(), 2, 'a day before that was not';
is $t->redis('EXISTS', $BEFORE), 0, 'is not made';

flush();
$t->redis('SADD', $BEFORE, 'x');
$before = $t->redis('DUMP', $BEFORE);
is error_of(sub { ingest() }), '', 'a day before of a wrong type';
is $t->redis('DUMP', $BEFORE), $before, 'is left alone';
is of_day(), '1 100 3 40', 'and the report counted';


# What others did to the keys: those that were lost expire again

for my $late ('', 1) {
    for my $lost ([$DOMAIN], [$MONTH], [$DAY_LOG], [$DOMAIN, $MONTH],
        [$DAY_LOG, $SEEN], [$DAY_LOG, $MONTH, $DOMAIN, $SEEN])
    {
        flush();
        %one = one();
        ingest(%one);
        $t->redis('DEL', @$lost);
        %two = one(late => $late);
        is ingest(%two), 2, "@$lost: lost, counted";
        expires($_, $ttl{$_}) for $DAY_LOG, $SEEN, $MONTH, $DOMAIN;

        my %is_lost = map { $_ => 1 } @$lost;
        log_is(($is_lost{$DAY_LOG} ? '' : $one{packed}) . $two{packed},
               'with what is left of the day log');
        is of_day(), $is_lost{$MONTH} ? '1 100 3 40' : '2 200 6 80',
            'of the day';
        is of_all(), ($is_lost{$DOMAIN} ? '1 100 3' : '2 200 6')
            . ' 1768000000', 'of the domain';
    }
}

flush();
ingest();
$t->redis('DEL', $LIST);
ingest();
expires($LIST, 500);
is $t->redis('LLEN', $LIST), 2, 'a list that was lost begins anew';

flush();
%one = one();
ingest(%one);
$t->redis('DEL', $SEEN);
is ingest(), 1, 'digests that were lost';
is ingest(%one), 1, 'are not known';
is ingest(%one), 0, 'but then';
is ingest(day => 11), 2, 'with the first of another day of the week';
expires($SEEN, 2000, 'they expire again');


# And those of wrong types and values: nothing is half counted

my @wrong = (
    [SET => $MONTH, 'x'], [SET => $DOMAIN, 'x'], [SET => $LIST, 'x'],
    [SET => $SEEN, 'x'], [HSET => $SEEN, 'x', 1], [SADD => $DAY_LOG, 'x'],
    [HSET => $DAY_LOG, 'x', 1],
    [HSET => $MONTH, 10, ''], [HSET => $MONTH, 10, '1 2 3 4'],
    [HSET => $MONTH, 10, 'x' x 27], [HSET => $MONTH, 10, "\0" x 29],
    [HSET => $MONTH, 10, "\0" x 34],
    [HSET => $DOMAIN, 'all', ''], [HSET => $DOMAIN, 'all', 'x' x 27],
);

for my $wrong (@wrong) {
    for my $late ('', 1) {
        for my $reports (0, 1, 2) {
            flush();
            ingest() for 1 .. $reports;
            $t->redis('DEL', $wrong->[1]) if $wrong->[0] ne 'HSET'
                || $wrong->[1] eq $SEEN || $wrong->[1] eq $DAY_LOG;
            $t->redis(@$wrong);
            $before = all_kept();
            isnt error_of(sub { ingest(late => $late) }), '',
                "@$wrong is an error, after $reports";
            is_deeply all_kept(), $before, 'and nothing is half counted';
        }
    }
}

flush();
%one = one(packed => packed($SMALL));
ingest(%one);
$t->redis('DEL', $DAY_LOG);
$t->redis('SADD', $DAY_LOG, 'x');
$before = all_kept();
%two = one(late => 1);
isnt error_of(sub { ingest(%two) }), '',
    'a large day log of a wrong type, late';
is_deeply all_kept(), $before, 'and nothing is half counted';
is ingest(%one), 0, 'what had been counted before';
$t->redis('DEL', $DAY_LOG);
is ingest(%two), 2, 'and what had not can yet be';

flush();
$t->redis('SADD', $ORIGINAL, 'x');
is ingest(text => 'long'), 2, 'a text of a wrong type';
is $t->redis('GET', $ORIGINAL), 'long', 'is replaced';
expires($ORIGINAL, 500);

flush();
$t->redis('SET', $LIST, 'x');
is ingest(keeps => 0), 2, 'a list is not looked at if none is kept';

flush();
$t->redis('HSET', $MONTH, 10, "\xff" x 35);
$t->redis('HSET', $DOMAIN, 'all', "\xff" x 28, 'p', '1 0');
is ingest(), 1, 'totals of nonsense are survived';
like of_day(), qr/^$MOST $MOST $MOST /, 'and not over 2^53 - 1';
like of_all(), qr/^$MOST $MOST $MOST 1768000000$/, 'for the domain too';

flush();
ingest();
$t->redis('HSET', $MONTH, 10, to_totals(1, 100, 3, 40, 0));
ingest();
is of_day(), '2 200 6 80', 'what is nothing is not written';


# A server that does not take it

flush();
ingest();
$before = all_kept();
$t->redis('CONFIG', 'SET', 'maxmemory', 1);
for my $late ('', 1) {
    like error_of(sub { ingest(late => $late) }), qr/OOM/, 'no memory';
    is_deeply all_kept(), $before, 'and nothing is half counted';
}
$t->redis('CONFIG', 'SET', 'maxmemory', 0);

flush();
ingest();
$t->redis('CONFIG', 'SET', 'proto-max-bulk-len', 1_048_576);
$t->redis('SETRANGE', $DAY_LOG, 1_048_575, 'x');
$before = all_kept();
like error_of(sub { ingest() }), qr/exceeds maximum/, 'the longest string';
is_deeply all_kept(), $before, 'and nothing is half counted';
$t->redis('CONFIG', 'SET', 'proto-max-bulk-len', 536_870_912);


# Keys and commands: those that Redis 6.0 has, and SET KEEPTTL; LPOS is of
# 6.0.6

my @COMMANDS = qw(append eval expire get hdel hget hgetall hincrby hset hsetnx
                  lindex lpos lset rpush sadd set srem);
my @BACK = qw(hlen ltrim);                  # which only take back

# All that the script may do: in time, late, the day before, an error.
sub everything {
    my $done = join '', map { ingest(%$_) } map { ($_, $_) }
        map { { one(late => $_) } } '', '', 1, 1;

    $done .= ingest(day => 11);
    $done .= error_of(sub { ingest(day => 12) }) =~ /WRONGTYPE/ ? 'x' : '-';

    return $done;
}

my @log_of_others = (SADD => (keys_of(12))[0], 'x');

flush();
$t->redis(@log_of_others);
$t->redis('CONFIG', 'RESETSTAT');
is everything(), '201010102x', 'all that the script may do';
my %called = map { $_ => 1 }
    $t->redis('INFO', 'commandstats') =~ /^cmdstat_(\w+):/mg;
delete @called{qw(config info)};
is_deeply [sort keys %called], \@COMMANDS, 'takes a few commands';

flush();
$t->redis(@log_of_others);
my %all_keys = map { $_ => 1 } map { keys_of($_) } 10 .. 12;
$t->redis('ACL', 'SETUSER', 'narrow', 'on', '>narrow',
          (map { "~$_" } sort keys %all_keys), '-@all',
          map { "+$_" } @COMMANDS, @BACK);
$t->redis('AUTH', 'narrow', 'narrow');
is everything(), '201010102x',
    'a user who may use the seven keys and these commands can ingest';


# A user who may not run one of them: nothing is counted, or all of it is, and
# the error names the command.

$t->redis('AUTH', 'default', '');

sub user_without {
    my %without = map { $_ => 1 } @_;

    $t->redis('AUTH', 'default', '');
    $t->redis('ACL', 'SETUSER', 'without', 'reset', 'on', '>without', '~*',
              '-@all',
              map { "+$_" } grep { !$without{$_} } @COMMANDS, @BACK);
    $t->redis('AUTH', 'without', 'without');

    return;
}

sub as_default { return $t->redis('AUTH', 'default', '') }

# What there was before: nothing, a report of the same day, of the day before,
# one of other types, a day log alone.
my %there = (
    nothing  => sub { },
    day      => sub { ingest() },
    before   => sub { ingest(day => 9) },
    types    => sub { ingest(types => ['dane-required', 1]) },
    unlisted => sub { ingest(keeps => 0) },
);

for my $command (grep { !/^(?:eval|hdel)$/ } @COMMANDS, 'ltrim') {
    for my $what (sort keys %there) {
        for my $options ([], [late => 1], [keeps => 0],
                         [types => [], keeps => 0])
        {
            as_default();
            flush();
            $there{$what}->();
            $before = all_kept();

            my %report = one(@$options);

            # HDEL only takes back: not even that is needed
            user_without($command, 'hdel');
            my $error = error_of(sub { ingest(%report) });
            as_default();

            my $name = join ' ', "without $command, $what:",
                @$options[grep { $_ % 2 == 0 } 0 .. $#$options];

            if ($error eq '') {
                is ingest(%report), 0, "$name: counted";
            } else {
                is_deeply all_kept(), $before, "$name: nothing is counted";
                like $error, qr/NOPERM .*'\Q$command\E'/, 'it is named';
                like ingest(%report), qr/^[12]$/, 'and can be counted yet';
            }
        }
    }
}

done_testing;
