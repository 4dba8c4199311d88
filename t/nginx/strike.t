# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# A report is struck out by HTTP, and restored: by the operator in any domain, by
# an owner in its own, of the days since it proved that.

use TLSRPT::Test;

my $D = 'example.com';

my $t = servers(redis => 1, workers => 2, http => <<'END', server => <<'END');
    tlsrpt_redis %%REDIS%%;
    tlsrpt_registry on zone=reg:4m;
    tlsrpt_report_uri https://reports.example/v1/tlsrpt;
    tlsrpt_domain example.com;
END
        location /admin/ { tlsrpt_admin; }
        location /mine/ { tlsrpt_admin owner=$http_x_user; }
        location /v1/tlsrpt { tlsrpt_collect; }
        location /tlsrpt/ { tlsrpt_stats; }
END

sub admin {
    my ($method, $path, @headers) = @_;

    return $t->request($method, "/admin/domains/$path", headers => \@headers);
}

sub mine {
    my ($who, $method, $path) = @_;

    return $t->request($method, "/mine/domains/$path",
                       headers => ['X-User' => $who]);
}

sub stats { return $t->request('GET', "/tlsrpt/$_[0]")->{json} }
sub soon  { my ($check) = @_; return TLSRPT::Server::wait_until(20, $check) }

sub made {
    my ($id, $day, $failed, $domain) = @_;

    my $report = report(day => day($day), 'report-id' => $id,
                        'organization-name' => "Sender of $id",
                        domain => $domain || $D);
    my $policy = $report->{policies}[0];

    $policy->{summary}{'total-failure-session-count'} = $failed;
    $failed ? $policy->{'failure-details'}[0]{'failed-session-count'} = $failed
            : delete $policy->{'failure-details'};

    return $report;
}

sub post {
    my ($id, $day, $failed, $domain, $uri) = @_;

    my $answer = $t->post($uri || '/v1/tlsrpt',
                          encode_json(made($id, $day, $failed, $domain)));

    is $answer->{status}, 201, "$id is stored";

    return;
}

sub id_of {
    my ($id, $domain) = @_;

    return (map { $_->{id} } grep { $_->{'report-id'} eq $id }
            @{ stats('domains/' . ($domain || $D) . '/reports?struck=yes')
                   ->{reports} })[0];
}

sub problems { return grep { defined $_->{id} }
                   @{ stats("domains/$D/problems")->{problems} } }
sub types    { return join ' ', sort map { $_->{type} }
                   @{ stats("domains/$D/events")->{events} } }
sub metric {
    my ($name) = @_;

    my ($value) = $t->request('GET', '/tlsrpt/metrics')->{body}
        =~ /^\Q$name\E\{policy_domain="\Q$D\E"(?:,outcome="failed")?\} (\d+)/m;

    return $value;
}


# By the operator

post('honest', -4, 0);
post('forged', -3, 900);
post('other', -1, 0);

ok soon(sub { problems() == 1 }), 'a problem is open by a forgery';

my $forged = id_of('forged');
my $struck = admin('DELETE', "$D/reports/$forged");

is $struck->{status}, 204, 'it is struck out';
is $struck->{body}, '', 'nothing is said';
is $struck->{headers}{'cache-control'}, 'no-store', 'and nobody keeps that';
is scalar(problems()), 0, 'at once no problem is open';
is types(), 'problem-opened problem-withdrawn report-struck', 'the events';
is_deeply [map { $_->{actor} } grep { $_->{actor} }
           @{ stats("domains/$D/events")->{events} }], ['operator'], 'who did it';
is stats("domains/$D")->{'total-failure-session-count'}, 0, 'it does not count';
is stats("domains/$D")->{reports}, 2, 'nor is it a report';
is_deeply [map { $_->{'report-id'} }
           @{ stats("domains/$D/reports")->{reports} }], ['other', 'honest'],
    'nor in the list';
is_deeply [map { [@$_{qw(report-id struck)}] }
           grep { $_->{struck} }
           @{ stats("domains/$D/reports?struck=yes")->{reports} }],
    [['forged', JSON::PP::true()]], 'unless it is asked for';
like $t->request('GET', "/tlsrpt/domains/$D/reports?struck=yes",
                 headers => [Accept => 'text/csv'])->{body},
    qr/conflicts-with,struck\r\n/, 'so it is in CSV';
is $t->request('GET', "/tlsrpt/domains/$D/reports?struck=no")->{status}, 400,
    'there is no other way to ask';
is metric('tlsrpt_reports_total'), 3, 'a counter does not go down';
is metric('tlsrpt_struck_reports_total'), 1, 'another went up';
is metric('tlsrpt_struck_sessions_total'), 900, 'as did that of sessions';
is $t->post('/v1/tlsrpt', encode_json(made('forged', -3, 900)))->{status}, 200,
    'it does not come again';

is admin('DELETE', "$D/reports/$forged")->{status}, 404, 'a second time';
is admin('POST', "$D/reports/$forged/restore")->{status}, 204, 'it is restored';
is scalar(problems()), 1, 'and the problem is open again';
is stats("domains/$D")->{reports}, 3, 'it counts';
is admin('POST', "$D/reports/$forged/restore")->{status}, 404, 'once';

is admin('DELETE', "$D/reports/x")->{status}, 404, 'no report';
is admin('DELETE', "unknown.example/reports/$forged")->{status}, 404,
    'nor of another domain';
is admin('GET', "$D/reports/$forged")->{status}, 405, 'there is nothing to get';
is admin('POST', "$D/reports/$forged/restore", Origin => 'https://evil.example')
    ->{status}, 403, 'not from another site';
is admin('DELETE', "$D/reports/$forged", 'Sec-Fetch-Site' => 'cross-site')
    ->{status}, 403, 'in no way';
is admin('DELETE', "$D/reports/$forged?x=1")->{status}, 400, 'no parameter';

$t->redis('DEL', "tlsrpt:{$D}:" . day(-3) . ':kept');
is admin('DELETE', "$D/reports/$forged")->{status}, 409,
    'without its original it stays';


# By an owner

my $enrolled = $t->request('PUT', '/admin/domains/own.example',
    headers => ['Content-Type' => 'application/json'],
    body => encode_json({ owner => 'ann', verified => JSON::PP::true() }));

is $enrolled->{status}, 201, 'ann has a domain';

my ($token) = $enrolled->{json}{'report-uri'} =~ m{([^/]+)$};

ok soon(sub {
    $t->post("/v1/tlsrpt/$token",
             encode_json(made('before', -1, 3, 'own.example')))
        ->{status} == 201;
}), 'that is known here';
post('since', 0, 3, 'own.example', "/v1/tlsrpt/$token");

my ($before, $since) = map { id_of($_, 'own.example') } qw(before since);

is mine('bob', 'DELETE', "own.example/reports/$since")->{status}, 404,
    'which is not bob\'s';
is mine('ann', 'DELETE', "own.example/reports/$before")->{status}, 404,
    'what was before is not hers';
is mine('ann', 'DELETE', "$D/reports/" . id_of('other'))->{status}, 404,
    'nor is what is the operator\'s';
is mine('ann', 'DELETE', "own.example/reports/$since")->{status}, 204,
    'the rest is';
is mine('ann', 'POST', "own.example/reports/$since/restore")->{status}, 204,
    'and is restored';
is admin('DELETE', "own.example/reports/$before")->{status}, 204,
    'the operator strikes out all';

# Many at once: one does it

sub at_once {
    my ($path, $method) = @_;

    my @sockets = map { $t->connection } 1 .. 12;
    print {$_} "$method /admin/domains/own.example/reports/$path HTTP/1.1\r\n"
        . "Host: x\r\nConnection: close\r\n\r\n" for @sockets;
    my @statuses = sort map { local $/; my $a = readline $_; $a =~ /^\S+ (\d+)/ }
        @sockets;
    return "@statuses";
}

my $ONE = join ' ', 204, (404) x 11;
is at_once($since, 'DELETE'), $ONE, 'struck out by one of many';
is at_once("$since/restore", 'POST'), $ONE, 'and restored by one';

ok grep({ ($_->{actor} // '') eq '@ann' }
    @{ stats('domains/own.example/events')->{events} }),
    'ann is told of to the operator';

done_testing;
