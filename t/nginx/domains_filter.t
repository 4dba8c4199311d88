#!/usr/bin/perl

# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# The list of the domains by part of a name and by status: pages are full, and
# there is a next one where more follows; one that would cost too much ends
# where it is.

use strict;
use warnings;
use utf8;

use FindBin;
use lib "$FindBin::Bin/../lib";

use Encode qw(encode_utf8);
use TLSRPT::State;
use TLSRPT::Test;

my $t = servers(redis => 1, http => <<'END', server => <<'END');
    tlsrpt_redis %%REDIS%%;
    tlsrpt_domain xn--bcher-kva.example;
    tlsrpt_domain conf.example;
END
        location /tlsrpt/ { tlsrpt_stats; }
        location /some/ { tlsrpt_stats; tlsrpt_scope ".a.example, b1.example"; }
END

# Names of the index with totals; the last report came yesterday, and no day of
# it is there.
sub put {
    my ($from, $to, $name) = @_;

    return $t->redis('EVAL', <<'END', 0, $from, $to, $name, time - 86400);
        for i = ARGV[1], ARGV[2] do
            local name = string.format(ARGV[3], i)
            redis.call('ZADD', 'tlsrpt:due', 9999999999, name)
            redis.call('ZADD', 'tlsrpt:domains', 0, name)
            redis.call('HSET', 'tlsrpt:{' .. name .. '}', 'p', '1 0', 'all',
                       struct.pack('<I7I7I7I7', 1, 1, 0, ARGV[4]))
        end
END
}

sub list {
    my ($query, $base) = @_;

    my $answer = $t->get(($base || '/tlsrpt') . "/domains?$query",
                         timeout => 60);
    die "?$query: $answer->{body}" if $answer->{status} != 200;

    return $answer->{json};
}

sub names { return [map { $_->{domain} } @{ $_[0]{domains} }] }

# All pages: the names, and how many were on each.
sub pages {
    my ($query, $base) = @_;

    my ($next, @names, @sizes);

    do {
        my $json = list($query . (defined $next ? "&cursor=$next" : ''),
                        $base);
        push @names, @{ names($json) };
        push @sizes, scalar @{ names($json) };
        $next = $json->{next};
        die 'endless' if @sizes > 100;
    } while (defined $next);

    return (\@names, \@sizes);
}

put(1, 600, 'd%03d.a.example');
put(1, 3, 'b%d.example');

my @failing = map { sprintf 'd%03d.a.example', $_ * 59 } 1 .. 10;
put_open($t, $_, open_entry('certificate-expired', 'mx', 'medium', 'no'))
    for @failing;
put_open($t, 'd600.a.example', open_entry('silence', 'd600.a.example',
    'medium', 'no', 'organization-names' => []));


# Names

sub finds {
    my ($part, $want, $name) = @_;

    my $query = join '', map { sprintf '%%%02X', ord }
        split //, encode_utf8($part);

    return is_deeply names(list("name=$query&limit=1000")), $want,
        $name || "\"$part\"";
}

finds('b1.e', ['b1.example']);
finds('D599', ['d599.a.example']);
finds('onf', ['conf.example'], 'one that is configured');
finds('bücher', ['xn--bcher-kva.example'], 'a U-label');
finds('BÜCH', ['xn--bcher-kva.example'], 'part of one, in capitals');
finds('cher.ex', ['xn--bcher-kva.example'], 'as it is shown');
finds('xn--bcher', ['xn--bcher-kva.example'], 'an A-label');
finds('nowhere', [], 'none');
is scalar @{ names(list('name=&limit=1000')) }, 605, 'nothing is part of all';

for my $bad ('name=a%20b', 'name=%ff', 'name=' . 'a' x 254, 'status=bad',
             'status=', 'status=failing,ok')
{
    my $answer = $t->get("/tlsrpt/domains?$bad");

    is $answer->{status}, 400, substr $bad, 0, 40;
    is $answer->{json}{path}, $bad =~ s/=.*//r, 'it is named';
}

my ($names, $sizes) = pages('name=5.a&limit=7');
is_deeply $names, [map { sprintf 'd%03d.a.example', 10 * $_ + 5 } 0 .. 59],
    'page by page';
is_deeply $sizes, [(7) x 8, 4], 'full pages';
($names, $sizes) = pages('name=5.a&limit=60');
is_deeply $sizes, [60], 'no page follows where nothing is on it';
is_deeply names(list('name=1.e', '/some')), ['b1.example'], 'of the scope';


# Statuses

($names, $sizes) = pages('status=failing&limit=3');
is_deeply $names, \@failing, 'those that fail';
is_deeply $sizes, [3, 3, 3, 1], 'full pages';
($names, $sizes) = pages('status=failing&limit=5');
is_deeply $sizes, [5, 5], 'the last one has no next';
is_deeply names(list('status=silent')), ['d600.a.example'], 'the silent one';
is_deeply names(list('status=waiting')),
    ['conf.example', 'xn--bcher-kva.example'], 'those without a report';
is_deeply names(list('status=attention')), [], 'nobody';
is_deeply names(list('status=failing&name=5&limit=1000')),
    [grep { /5/ } @failing], 'with a name';
is_deeply names(list('status=failing', '/some')), \@failing, 'of the scope';
is scalar @{ names(list('status=ok&limit=1000')) }, 592, 'the others';

# The index has names without data: they are on no page, and pages are full.

$t->redis('ZADD', 'tlsrpt:domains', 0, sprintf 'gone%03d.example', $_)
    for 1 .. 100;
my $page = list('limit=11&cursor=d590.a.example');
is_deeply names($page), [(map { "d$_.a.example" } 591 .. 600),
                         'xn--bcher-kva.example'], 'over them';
is $page->{next}, undef, 'the end';


# So many that a page stops where it is

put(0, 249_999, 'm%06d.example');
$page = list('name=zz');
is_deeply names($page), [], 'nothing among the first 200,000';
like $page->{next}, qr/^m19\d{4}\.example$/, 'and more to look at';
($names) = pages('name=m249999');
is_deeply $names, ['m249999.example'], 'it is found, a page later';

$page = list('status=failing&cursor=e');
is_deeply names($page), [], 'none fails among the first 20,000';
is $page->{next}, 'm019999.example', 'and more to read';

# Meanwhile others are served.

my @slow = map { $t->connection } 1 .. 3;
print {$_} "GET /tlsrpt/domains?name=zz HTTP/1.1\r\nHost: x\r\n"
    . "Connection: close\r\n\r\n" for @slow;
$_->flush for @slow;
is $t->get('/tlsrpt/')->{status}, 200, 'the page';
is TLSRPT::Server::read_answer($_, timeout => 60)->{status}, 200, 'each'
    for @slow;

done_testing;
