# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# What is open now over all domains: by result-type and cause, worst first, page
# by page; in a scope only what it sees.

use Digest::SHA qw(sha256_hex);
use List::Util qw(sum);
use TLSRPT::State;
use TLSRPT::Test;

my $t = servers(redis => 1, http => <<'END', server => <<'END');
    tlsrpt_redis %%REDIS%%;
    tlsrpt_domain .example;
END
        location /tlsrpt/ { tlsrpt_stats; }
        location /t/ { tlsrpt_stats; tlsrpt_scope $http_x_scope; }
END

sub problems {
    my ($query, $scope) = @_;

    my $answer = $t->get(defined $scope ? "/t/problems?$query"
                                        : "/tlsrpt/problems?$query",
                         headers => [defined $scope ? ('X-Scope' => $scope)
                                                    : ()]);
    die "?$query: $answer->{body}" if $answer->{status} != 200;

    return $answer->{json};
}

# All pages of so many.
sub pages {
    my ($limit, $query, $scope) = @_;

    my (@all, $next, $n);

    do {
        my $page = problems("limit=$limit" . ($query ? "&$query" : '')
                            . (defined $next ? "&cursor=$next" : ''), $scope);
        $next = $page->{next};
        return 'a page that is not full'
            if defined $next && @{ $page->{problems} } != $limit;
        push @all, @{ $page->{problems} };
        die 'endless' if ++$n > 500;
    } while defined $next;

    return \@all;
}

sub titles { return join '; ', map { $_->{title} } @{ $_[0] } }

is_deeply problems(''), { problems => [], next => undef }, 'nothing is open';

for my $query ('limit=0', 'limit=1001', 'severity=', 'severity=worst',
               'severity=High', 'cursor=', 'cursor=x', 'cursor=3-3-1-',
               'cursor=3-3-x-0123456789abcdef', 'from=2026-11-01',
               'cursor=3-3-1-0123456789abcdef0', 'cursor=3-3-1-0123456789ABCDEF')
{
    is $t->get("/tlsrpt/problems?$query")->{status}, 400, $query;
}

# Two domains with the same server

my $MX = 'mx.host.example';

put_open($t, 'a.example',
    open_entry('certificate-expired', $MX, 'medium', 'no',
        'failed-session-count' => 5, 'first-day' => '2026-11-18',
        'last-day' => '2026-11-20', ongoing => undef,
        'organization-names' => ['One', 'Two', 'Three'],
        title => 'The certificate has expired'));
put_open($t, 'b.example',
    open_entry('certificate-expired', $MX, 'high', 'yes',
        'failed-session-count' => 7, 'first-day' => '2026-11-19',
        'last-day' => '2026-11-21', 'organization-names' => ['Four', 'Two'],
        'receiving-mx-hostnames' => [$MX, 'mx2.host.example'],
        'lost-mail' => 'Yes: they bounce.', title => 'It has expired'),
    open_entry('', 'b.example', 'low', 'no', 'result-type' => undef,
               title => 'Not told why'));

my @both = @{ problems('')->{problems} };
is scalar @both, 2, 'two causes';
is_deeply $both[0], {
    id => substr(sha256_hex("certificate-expired\n$MX"), 0, 16),
    'result-type' => 'certificate-expired', severity => 'high',
    title => 'It has expired', ongoing => JSON::PP::true,
    'first-day' => '2026-11-18', 'last-day' => '2026-11-21',
    'failed-session-count' => 12, 'lost-mail' => 'Yes: they bounce.',
    'receiving-mx-hostnames' => [$MX, 'mx2.host.example'],
    'organization-names' => ['Four', 'Two', 'One'],
    steps => [{ text => 'Look at it.', command => "host $MX" }],
    domains => ['b.example', 'a.example'], 'domain-count' => 2,
}, 'both in one, as the worse one tells it';
is_deeply [@{ $both[1] }{qw(result-type severity domains domain-count)}],
    [undef, 'low', ['b.example'], 1], 'a type that was not given';

is_deeply problems('', 'a.example')->{problems}[0]{domains}, ['a.example'],
    'a scope sees its own';
is problems('', 'a.example')->{problems}[0]{'failed-session-count'}, 5,
    'and no counts of others';
is problems('', 'a.example')->{problems}[0]{ongoing}, undef,
    'of which nobody has told since';
is problems('', 'a.example')->{problems}[0]{severity}, 'medium', 'of its own';
is_deeply problems('', ''), { problems => [], next => undef }, 'nobody';
is_deeply problems('', 'c.example'), { problems => [], next => undef },
    'one where nothing is open';
is_deeply problems('', '.b.example')->{problems}[1]{domains}, ['b.example'],
    'one with subdomains';
is_deeply problems('', 'a.example a.example'), problems('', 'a.example'),
    'a name twice';
is_deeply problems('', '*'), problems(''), 'all';

# What is there and cannot be read is as nothing.

$t->redis('ZADD', 'tlsrpt:open', 3, 'x.example');
for my $bytes ('nonsense', '', "9 9\nof a later version", "1 1\n", "1 1\nx") {
    $t->redis('SET', 'tlsrpt:{x.example}:problems', $bytes);
    is_deeply problems('')->{problems}, \@both, 'what cannot be read';
}
$t->redis('ZADD', 'tlsrpt:open', 3, 'gone.example', 2, 'no name', 1, '');
put_open($t, 'x.example', { severity => 'high' },
    { severity => 'odd', lost => 'no', type => 't', cause => 'c',
      problem => { title => 'x' } }, open_entry('t', 'c', 'high', 'no',
      title => ['no text']));
is_deeply problems('')->{problems}, \@both, 'what has the wrong members';
$t->redis('DEL', 'tlsrpt:open');

# Very many: 1,200 domains at 150 servers

my %want;
for my $n (1 .. 1200) {
    my $server = sprintf 'mx%03d.host.example', $n % 150;
    my $severity = qw(high medium low)[$n % 3];
    my $lost = qw(yes perhaps no)[$n % 5 % 3];
    my $domain = sprintf 'd%04d.example', $n;

    put_open($t, $domain, open_entry('starttls-not-supported', $server,
        $severity, $lost, 'failed-session-count' => $n));
    push @{ $want{$server} }, [$domain, $severity, $lost, $n];
}

my %BAD = (high => 3, medium => 2, low => 1, yes => 3, perhaps => 2, no => 1);

sub worst {
    my ($n, @members) = @_;

    my ($worst) = sort { $b <=> $a } map { $BAD{ $_->[$n] } } @members;
    return $worst;
}

my @order = map { $_->[0] } sort {
    $b->[1] <=> $a->[1] || $b->[2] <=> $a->[2] || $b->[3] <=> $a->[3]
} map {
    my @m = @{ $want{$_} };
    [$_, worst(1, @m), worst(2, @m), sum(map { $_->[3] } @m)]
} keys %want;

my $all = pages(1000);
is join(' ', map { $_->{'receiving-mx-hostnames'}[0] } @$all), "@order",
    'worst first';
is sum(map { $_->{'domain-count'} } @$all), 1200, 'each domain once';
is sum(map { $_->{'failed-session-count'} } @$all), 1200 * 1201 / 2,
    'all sessions';
is join(' ', @{ $all->[0]{domains} }), join(' ', map { $_->[0] } sort {
        $BAD{ $b->[1] } <=> $BAD{ $a->[1] } || $BAD{ $b->[2] } <=> $BAD{ $a->[2] }
        || $b->[3] <=> $a->[3]
    } @{ $want{ $order[0] } }), 'its domains, the worst first';
is_deeply pages($_), $all, "$_ a page" for 1, 7, 100, 149, 150;
is scalar @{ problems('')->{problems} }, 100, '100 without a limit';

for my $severity (qw(high medium low)) {
    is_deeply pages(9, "severity=$severity"),
        [grep { $_->{severity} eq $severity } @$all], "only $severity";
}

# One server of all: the answer stays small.
for my $n (1 .. 120) {
    put_open($t, sprintf('e%03d.example', $n), open_entry('validation-failure',
        'one.host.example', 'high', 'yes', 'failed-session-count' => 10_000));
}
my ($one) = @{ problems('')->{problems} };
is $one->{'domain-count'}, 120, 'a server of 120 domains';
is_deeply $one->{domains}, [map { sprintf 'e%03d.example', $_ } 1 .. 50],
    'fifty of them are named';

done_testing;
