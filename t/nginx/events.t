# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# Events of a domain and of all, newest first, what reports caused and what
# people did: page by page, each once; in a scope only its own.

use TLSRPT::State;
use TLSRPT::Test;

my $t = servers(redis => 1, http => <<'END', server => <<'END');
    tlsrpt_redis %%REDIS%%;
    tlsrpt_domain .example.com;
    tlsrpt_domain quiet.example;
END
        location /tlsrpt/ { tlsrpt_stats; }
        location /t/ { tlsrpt_stats; tlsrpt_scope $http_x_scope; }
END

my %all;                        # by domain; each newest first

sub at { return sprintf '2026-11-%02dT%02d:%02d:%02dZ', @_ }

# One event, newer than all before of its list.
sub happens {
    my ($list, $domain, $time, %more) = @_;

    my %event = (
        id => sprintf('%08x', 1 + @{ $all{$domain} || [] }) . '00000000',
        time => $time, type => 'problem-opened', domain => $domain,
        title => 'The certificate has expired', %more);

    put_event($t, $list, %event);
    unshift @{ $all{$domain} }, \%event;

    return \%event;
}

sub in_order {
    return [sort { $b->{time} cmp $a->{time} || $a->{domain} cmp $b->{domain}
                   || $a->{id} cmp $b->{id} } map { @$_ } @_];
}

# All pages of so many, and that each but the last is full.
sub pages {
    my ($path, $limit, @headers) = @_;

    my (@events, $next, $wrong, $n);

    do {
        my $answer = $t->get("$path?limit=$limit"
            . (defined $next ? "&cursor=$next" : ''), headers => \@headers);
        die "$path: $answer->{body}" if $answer->{status} != 200;

        my $page = $answer->{json};
        $next = $page->{next};
        $wrong++ if @{ $page->{events} } != $limit && defined $next;
        push @events, @{ $page->{events} };
        die 'endless' if ++$n > 500;
    } while defined $next;

    return $wrong ? "pages that are not full" : \@events;
}

# A name with nothing, one not known, and what is asked wrongly

is_deeply $t->get('/tlsrpt/events')->{json}, { events => [], next => undef },
    'nothing has happened';
is_deeply $t->get('/tlsrpt/domains/quiet.example/events')->{json},
    { domain => 'quiet.example', events => [], next => undef },
    'nor to a configured domain';
is $t->get('/tlsrpt/domains/nowhere.example/events')->{status}, 404,
    'a domain that is not there';
for my $query ('limit=0', 'limit=1001', 'limit=x', 'cursor=', 'cursor=x',
               'cursor=2026-11-20,a.example,1', 'cursor=,,', 'from=2026-11-01',
               'cursor=2026-11-20T00:00:00Z,a..b,1',
               'cursor=2026-11-20T00:00:00Z,a.example,')
{
    is $t->get("/tlsrpt/events?$query")->{status}, 400, $query;
    is $t->get("/tlsrpt/domains/quiet.example/events?$query")->{status}, 400,
        "$query of a domain";
}

# One domain: both lists

my $D = 'a.example.com';
$t->redis('HSET', "tlsrpt:{$D}", 'all', "\1" . "\0" x 27);

happens('events', $D, at(1, 0, 0, $_ / 3), 'problem-id' => "p$_") for 1 .. 90;
happens('acts', $D, at(1, 0, 0, $_), type => 'policy-changed',
        actor => 'somebody') for 10 .. 20;
happens('events', $D, at(1, 1, 0, 0), type => 'problem-resolved',
        late => JSON::PP::true);

my $want = in_order($all{$D});
is_deeply pages("/tlsrpt/domains/$D/events", 1000), $want, 'all, in order';
is_deeply $t->get("/tlsrpt/domains/$D/events")->{json}{events},
    [@$want[0 .. 99]], 'the first 100 without a limit';
is_deeply pages("/tlsrpt/domains/$D/events", $_), $want, "$_ a page"
    for 1, 7, 32, 33, 100, 102;
is $t->get("/tlsrpt/domains/$D/events?limit=102")->{json}{next}, undef,
    'a page that ends with the last one';
is_deeply pages('/tlsrpt/domains/A.Example.COM./events', 50), $want,
    'a domain in another spelling';
is_deeply pages('/tlsrpt/events', 9), $want, 'the same of all domains';

my $mine = pages("/t/domains/$D/events", 200, 'X-Scope' => $D);
is_deeply $mine, [map { my %e = %$_; delete $e{actor}; \%e } @$want],
    'who did it is for who sees all';

# Many domains

for my $n (1 .. 600) {
    my $domain = sprintf 'd%03d.example.com', $n;

    happens('events', $domain, at(2, int $n / 60, $n % 60, 0));
    happens('acts', $domain, at(3, 0, 0, $n % 7)) if $n % 100 == 0;
}

$want = in_order(values %all);
for my $limit (1000, 100, 37) {
    is_deeply pages('/tlsrpt/events', $limit), $want,
        "all of 601 domains, $limit a page";
}
is_deeply pages('/t/events', 100, 'X-Scope' => '.example.com'), [map {
    my %e = %$_; delete $e{actor}; \%e } @$want], 'a scope that takes all';

sub of { return in_order(map { $all{$_} } @_) }

my @some = map { "d$_.example.com" } '005', '100', '577';
is_deeply pages('/t/events', 2, 'X-Scope' => "@some quiet.example"),
    of(@some), 'a scope of names';
is_deeply pages('/t/events', 2, 'X-Scope' => '.d300.example.com'),
    of('d300.example.com'), 'one with subdomains';
is_deeply pages('/t/events', 5, 'X-Scope' => 'x.example'), [],
    'one of others';
is_deeply pages('/t/events', 5, 'X-Scope' => ''), [], 'none at all';
is $t->get("/t/domains/$D/events", headers => ['X-Scope' => 'x.example'])
    ->{status}, 404, 'a domain of others';

# One that had very many, all newer than those of others

happens('events', 'loud.example.com', at(4, int $_ / 3600, int $_ / 60 % 60,
                                         $_ % 60)) for 1 .. 1200;
splice @{ $all{'loud.example.com'} }, 1000;
$want = in_order(values %all);
is_deeply pages('/tlsrpt/events', 250), $want, 'behind one with a thousand';

# Clocks of hosts differ a little: what a list has is not quite in order.

happens('events', 'skew.example.com', $_) for at(5, 0, 2, 0), at(5, 0, 1, 0),
    at(5, 0, 3, 0), at(5, 0, 1, 30);
$want = in_order(values %all);
is_deeply pages('/tlsrpt/domains/skew.example.com/events', 2),
    of('skew.example.com'), 'not quite in order';
is_deeply $t->get('/tlsrpt/events?limit=2')->{json}{events}, [@$want[0, 1]],
    'of all domains, too';

# A page of one needs only the first piece of the list, but for that.
happens('events', 'ahead.example.com', at(5, 1, 0, 40));
happens('events', 'ahead.example.com', at(5, 1, 0, $_)) for 1 .. 32;
is $t->get('/tlsrpt/domains/ahead.example.com/events?limit=1')
    ->{json}{events}[0]{time}, at(5, 1, 0, 40), 'one whose clock was ahead';

# What others have put there is passed over.

my $bad = 'bad.example.com';
happens('events', $bad, at(6, 0, 0, 1));
for my $text ('', '{', '[]', 'null', '{"id":"x"}',
              '{"id":"1","time":"yesterday","type":"t","domain":"' . $bad . '"}',
              '{"id":"1","time":"2026-11-06T00:00:00Z","type":"t",'
              . '"domain":"cad.example.com"}',
              '{"id":"","time":"2026-11-06T00:00:00Z","type":"t",'
              . '"domain":"' . $bad . '"}',
              "\xff\xfe")
{
    $t->redis('LPUSH', "tlsrpt:{$bad}:events", $text);
}
$t->redis('ZADD', 'tlsrpt:events', 9e15, 'not a name', 1e300, 'b..ad',
          'nan' eq 'NaN' ? 1 : 7, '');
happens('events', $bad, at(6, 0, 0, 2));
is_deeply pages("/tlsrpt/domains/$bad/events", 1), of($bad),
    'what is no event is passed over';
$want = in_order(values %all);
is_deeply pages('/tlsrpt/events', 500), $want, 'of all domains, too';

$t->redis('SET', 'tlsrpt:{wrong.example.com}:events', 'a string');
is $t->get('/tlsrpt/domains/wrong.example.com/events')->{status}, 503,
    'a key of another kind';

done_testing;
