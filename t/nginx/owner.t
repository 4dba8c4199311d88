# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# What an owner sees: the domains that it has proved and still holds, from that
# day on; of one that waits its records and its own events; nothing of others.

use TLSRPT::Registry qw(enrolment write_record registry_version token_of);
use TLSRPT::Test;

my $DAY = 86400;
my $NOW = time;

my $t = servers(redis => 1, workers => 2, http => <<'END', server => <<'END');
    tlsrpt_redis %%REDIS%%;
    tlsrpt_registry on zone=reg:4m;
    tlsrpt_report_uri https://reports.example/v1/tlsrpt;
    tlsrpt_domain configured.example;
    map $http_x_scope $scope { default $http_x_scope; }
    log_format owner '$uri $tlsrpt_owner';
END
        access_log logs/owner.log owner;
        location /admin/ { tlsrpt_admin; }
        location /v1/tlsrpt { tlsrpt_collect; }
        location /all/ { tlsrpt_stats; }
        location /mine/ { tlsrpt_stats; tlsrpt_scope @$http_x_user; }
        location /some/ { tlsrpt_stats; tlsrpt_scope $scope; }
END

sub soon { my ($check) = @_; return TLSRPT::Server::wait_until(20, $check) }

sub ask {
    my ($who, $path, @headers) = @_;

    return $t->request('GET', "/mine/$path",
                       headers => ['X-User' => $who, @headers]);
}

sub mine { my ($who, $path) = @_; return ask($who, $path)->{json} }
sub all  { return $t->request('GET', "/all/$_[0]")->{json} }
sub some {
    my ($scope, $path) = @_;

    return $t->request('GET', "/some/$path", headers => ['X-Scope' => $scope]);
}

sub names { return join ' ', map { $_->{domain} } @{ $_[0]->{domains} } }

# Of an owner, proved so many days ago.
sub holds {
    my ($domain, $owner, $days, %more) = @_;

    return write_record($t, $domain, {
        v => 1, holder => enrolment($domain, owner => $owner,
                                    proved => $NOW - $days * $DAY, %more),
    });
}

sub post {
    my ($domain, $day, $id, $failed) = @_;

    my $report = report(day => day($day), domain => $domain,
                        'report-id' => $id);
    my $policy = $report->{policies}[0];

    $policy->{summary}{'total-failure-session-count'} = $failed;
    $policy->{'failure-details'}[0]{'failed-session-count'} = $failed;

    return $t->post('/v1/tlsrpt/' . token_of($domain), encode_json($report));
}

sub event {
    my ($list, $domain, $id, $ago, %more) = @_;

    $t->redis('LPUSH', "tlsrpt:{$domain}:$list", encode_json({
        id => $id, time => iso($NOW - $ago), domain => $domain, title => $id,
        %more }));
    $t->redis('ZADD', 'tlsrpt:events', $NOW * 1000, $domain);

    return;
}

sub iso {
    my ($at) = @_;

    my @t = gmtime $at;

    return sprintf '%04d-%02d-%02dT%02d:%02d:%02dZ', $t[5] + 1900, $t[4] + 1,
        @t[3, 2, 1, 0];
}

sub events_of { return join ' ', map { $_->{id} } @{ $_[0]->{events} } }


# ann has two, bob one, both wait for others, and one is configured too

holds('a.example', 'ann', 2);
holds('leaving.example', 'ann', 9, state => 'leaving',
    ends => $NOW + 5 * $DAY);
holds('b.example', 'bob', 9);
holds('configured.example', 'ann', 9);
holds('own.example', undef, 9);
write_record($t, 'waits.example', {
    v => 1, holder => enrolment('waits.example', owner => 'bob',
                                proved => $NOW - $DAY),
    pending => [ enrolment('waits.example', owner => 'ann', state => undef,
                           proved => undef, served => undef,
                           token => token_of('waits.example', 'ann')) ],
});

ok soon(sub { names(all('domains')) =~ /waits/ }), 'the registry is loaded';

is names(all('domains')),
    'a.example b.example configured.example leaving.example own.example '
    . 'waits.example', 'the operator lists all that are held';
is names(mine('ann', 'domains')), 'a.example leaving.example', 'ann hers';
is names(mine('bob', 'domains')), 'b.example waits.example', 'bob his';
is names(mine('carl', 'domains')), '', 'carl none';

is mine('ann', 'domains?limit=1')->{next}, 'a.example', 'page by page';
is names(mine('ann', 'domains?limit=1&cursor=a.example')), 'leaving.example',
    'the next one';


# Counts, from the day of the proof on

for my $domain ('a.example', 'b.example') {
    is post($domain, -4, 'before', 7)->{status}, 201, 'a report of before';
    is post($domain, -1, 'since', 3)->{status}, 201, 'and one since';
}

my $stats = mine('ann', 'domains/a.example');

is $stats->{reports}, 1, 'of the reports those since then';
is $stats->{'total-failure-session-count'}, 3, 'and their sessions';
is all('domains/a.example')->{reports}, 2, 'of which there are more';
is mine('bob', 'domains/b.example')->{reports}, 2, 'bob sees all of his';
is_deeply [map { $_->{'report-id'} }
           @{ mine('ann', 'domains/a.example/reports')->{reports} }], ['since'],
    'the list';
is_deeply [map { $_->{reports} } @{ mine('ann', 'domains')->{domains} }], [1, 0],
    'the list of domains';
is mine('ann', 'domains/a.example/problems')->{problems}[0]
    {'failed-session-count'}, 3, 'problems';
is mine('ann', 'domains/a.example/senders')->{senders}[0]{reports}, 1,
    'senders';

my ($since, $before) = map { $_->{id} }
    @{ all('domains/a.example/reports')->{reports} };

is ask('ann', "domains/a.example/reports/$since")->{status}, 200, 'one report';
is ask('ann', "domains/a.example/reports/$before")->{status}, 404,
    'not one of before';

for my $path (qw(b.example own.example configured.example nobody.example),
              map { ("b.example/$_", "waits.example/$_") }
              qw(problems reports senders)) {
    is ask('ann', "domains/$path")->{status}, 404, "nothing of $path";
}

is ask('ann', "domains/b.example/$_")->{status}, 404, "nor of its $_"
    for qw(events records policy);

unlike ask('ann', 'metrics')->{body}, qr/b\.example/, 'metrics: nothing of b';
like $t->request('GET', '/all/metrics')->{body},
    qr/tlsrpt_reports_total\{policy_domain="a.example"\} 2/,
    'which the operator has';

ok soon(sub { @{ all('problems')->{problems} } }), 'problems are open';
is_deeply [map { $_->{domains} } @{ mine('ann', 'problems')->{problems} }],
    [['a.example']], 'of which ann sees hers';


# Totals of a domain that came with some to dora, by the operator

sub operator {
    my ($method, $path, $body) = @_;

    return $t->request($method, "/admin/$path",
        $body ? (body => encode_json($body),
                 headers => ['Content-Type' => 'application/json']) : ());
}

sub totals {
    my ($who) = @_;

    my %seen = ask($who, 'metrics')->{body}
        =~ /^(tlsrpt_\w+_total\{policy_domain="passed\.example".*\}) (\d+)$/mg;

    return { map { my $name = $_;
                   s/tlsrpt_|_total|policy_domain="passed\.example",?|"|[{}]//g
                       for $name;
                   $seen{$_} ? ($name => $seen{$_}) : () } keys %seen };
}

is operator('PUT', 'domains/passed.example', {
    owner => 'carl', verified => JSON::PP::true,
    token => token_of('passed.example') })->{status}, 201, 'carl has it';
ok soon(sub { post('passed.example', -1, 'of-carl', 5)->{status} == 201 }),
    'and a report, with failures';
is operator('PUT', 'domains/passed.example', {
    owner => 'dora', verified => JSON::PP::true })->{status}, 201,
    'it passes on to dora';
is ask('dora', 'metrics')->{status}, 200, 'who reads metrics';
ok soon(sub { my $reply = $t->redis('HGET', 'tlsrpt:{passed.example}', 'b');
              $reply && $reply =~ / 1 \d+ 5 0 0 0 / }),
    'what was counted by then is noted';
ok soon(sub { ask('dora', 'domains/passed.example/problems')->{status} == 200 }),
    'she sees it';
is_deeply totals('dora'), {}, 'and none of that';
is_deeply totals('carl'), {}, 'nor does carl see any more';
ok soon(sub { $t->request('GET', "/admin/domains/passed.example")->{json}{'report-uri'}
              =~ m{/([a-z2-7]{26})$} && $t->post("/v1/tlsrpt/$1",
        encode_json(report(day => day(0), domain => 'passed.example',
                           'report-id' => 'of-dora')))->{status} == 201 }),
    'a report comes';
my $hers = totals('dora');
is $hers->{reports}, 1, 'which is hers';
my ($of_carl) = map { $_->{id} } grep { $_->{'report-id'} eq 'of-carl' }
    @{ all('domains/passed.example/reports')->{reports} };
is operator('DELETE', "domains/passed.example/reports/$of_carl")->{status},
    204, 'the one of before is struck out';
is_deeply totals('dora'), $hers, 'of which she sees nothing';
is operator('POST', "domains/passed.example/reports/$of_carl/restore")
    ->{status}, 204, 'and restored';
is_deeply totals('dora'), $hers, 'nor of that';


# What waits

my $records = mine('ann', 'domains/waits.example/records');
my ($tlsrpt) = grep { $_->{name} =~ /^_smtp/ } @{ $records->{records} };

like $tlsrpt->{value}, qr{/v1/tlsrpt/\Q${\ token_of('waits.example', 'ann')}\E},
    'the records of one that waits have its own token';
unlike encode_json($records), qr/${\ token_of('waits.example')}/,
    'and not that of who holds it';
is mine('ann', 'domains/waits.example/policy')->{policy}, undef,
    'nor the policy of that';
is ask('ann', 'domains/waits.example')->{status}, 404, 'it has no counts';
is ask('carl', 'domains/waits.example/records')->{status}, 404,
    'and nothing for others';


# Events

event('events', 'a.example', 'old', 5 * $DAY, type => 'problem-resolved');
event('events', 'a.example', 'new', 60, type => 'problem-resolved');
event('acts', 'a.example', 'by-ann', 50, type => 'report-struck',
      actor => '@ann');
event('acts', 'a.example', 'by-us', 40, type => 'report-struck',
      actor => 'operator');
event('acts', 'a.example', 'by-bob', 30, type => 'report-struck',
      actor => '@bob');
event('acts', 'waits.example', 'hers', 20, type => 'domain-enrolled',
      owner => 'ann', actor => '@ann');
event('acts', 'waits.example', 'his', 10, type => 'domain-verified',
      actor => '@bob');

$t->redis('DEL', 'tlsrpt:{a.example}:problems');

sub without_problems {
    my ($list) = @_;

    return { events => [ grep { $_->{type} !~ /opened|built|sender/ }
                         @{ $list->{events} } ] };
}

is events_of(without_problems(mine('ann', 'domains/a.example/events'))),
    'by-bob by-us by-ann new', 'since the proof';
is_deeply [map { $_->{actor} } @{ without_problems(
              mine('ann', 'domains/a.example/events'))->{events} }],
    [undef, 'operator', 'you', undef], 'who did what';
is events_of(mine('ann', 'domains/waits.example/events')), 'hers',
    'of what waits her own';
is events_of(without_problems(mine('ann', 'events'))),
    'hers by-bob by-us by-ann new', 'all of them';
is events_of(without_problems(mine('bob', 'events'))), 'his',
    'and bob his';
is events_of(without_problems({ events => [grep {
        $_->{domain} ne 'passed.example' } @{ all('events')->{events} }] })),
    'his hers by-bob by-us by-ann new old', 'the operator all';
is $_->{actor}, '@bob', 'by name'
    for grep { $_->{id} eq 'by-bob' } @{ all('events')->{events} };


# Who is meant

is names(mine($_, 'domains')), '', "nobody: \"$_\""
    for '', 'ann b.example', 'ann,@bob', '*', 'Ann', '.example', 'x' x 129;
is names(some('@ann', 'domains')->{json}), 'a.example leaving.example',
    'where the variable has the @';
is names(some('@ann @bob', 'domains')->{json}),
    'a.example b.example leaving.example waits.example', 'of two';
is names(some('@ann, b.example', 'domains')->{json}),
    'a.example b.example leaving.example', 'of one, and a name';
is names(some('@ann .example', 'domains')->{json}),
    names(all('domains')), 'of one, and all below';
is names(some('@', 'domains')->{json}), '', '@ alone is nobody';

my $log = $t->read_file($t->dir . '/logs/owner.log');
like $log, qr{^/mine/domains ann$}m, '$tlsrpt_owner';
like $log, qr{^/all/domains -$}m, 'is nobody to the operator';


# Passed on

holds('a.example', 'bob', 0);
ok soon(sub { names(mine('ann', 'domains')) eq 'leaving.example' }),
    'what is passed on is gone';
is mine('bob', 'domains/a.example')->{reports}, 0,
    'and its new owner sees nothing of before';

done_testing;
