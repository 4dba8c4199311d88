# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# The Redis user of doc/operation.md may do all that nginx and rspamd do.

use TLSRPT::Test;
use TLSRPT::Mail;
use TLSRPT::Readme;
use TLSRPT::Rspamd;

my ($line) = grep { /^user / } TLSRPT::Readme::blocks('Redis',
                                                      'doc/operation.md');
my (undef, $name, @rules) = split ' ', $line;
my ($password) = map { /^>(.*)/ } @rules;

my $t = servers(redis => 1, nginx => 0, http => <<"END", server => <<'END');
    tlsrpt_redis %%REDIS%% user=$name password=$password;
    tlsrpt_registry on zone=reg:1m;
    tlsrpt_zone provider.example;
    tlsrpt_domain .example.com;
END
        location /v1/tlsrpt { tlsrpt_collect; }
        location /tlsrpt/ { tlsrpt_stats; }
        location /admin/ { tlsrpt_admin; }
        location /mine/ { tlsrpt_admin owner=ann; }
END

# Ours is another user, and the default one, which rspamd 3.4 is, can no more.

$t->redis('ACL', 'SETUSER', 'admin', 'on', '>admin', '~*', '+@all');
$t->redis('AUTH', 'admin', 'admin');
$t->redis('ACL', 'SETUSER', $name, 'reset', @rules);
$t->redis('ACL', 'SETUSER', 'default', 'reset', grep { !/^>/ } @rules);
$t->redis('ACL', 'SETUSER', 'default', 'nopass');
$t->redis('ACL', 'LOG', 'RESET');
$t->start_nginx;

sub collect { return $t->post('/v1/tlsrpt', encode_json(report(@_)))->{status} }

is collect(), 201, 'a report';
is collect(), 200, 'again';
is collect('report-id' => 'late', day => day(-3)), 201, 'a late one';
is collect('report-id' => 'sub', domain => 'a.example.com'), 201,
    'of a new domain';

ok TLSRPT::Server::wait_until(60, sub {
    @{ $t->get('/tlsrpt/domains/example.com/events')->{json}{events} };
}), 'problems are worked out, kept and told';
is @{ $t->get('/tlsrpt/problems')->{json}{problems} } > 0, 1, 'and read';

my $reports = 'domains/example.com/reports';
my $list = $t->get("/tlsrpt/$reports")->{json}{reports};
is scalar @$list, 2, 'the list';

for my $resource ('domains', 'domains?limit=1', 'domains/example.com',
                  'domains/example.com?by=day,result-type',
                  'domains/example.com/problems', 'domains/example.com/events',
                  'problems', 'events', 'health', "$reports/$list->[0]{id}",
                  'domains/example.com/senders',
                  'domains/a.example.com/records', 'metrics')
{
    is $t->get("/tlsrpt/$resource")->{status}, 200, $resource;
}

# A name that has no data any more is forgotten.
$t->redis('ZADD', 'tlsrpt:domains', 0, 'gone.example.com');
$t->get('/tlsrpt/domains') for 1 .. 2;
is_deeply $t->redis('ZRANGEBYLEX', 'tlsrpt:domains', '[gone', '[gonf'), [],
    'a name without data is forgotten';

# Domains that are enrolled.
sub ask {
    my ($method, $path, $body, $location) = @_;

    return $t->request($method, '/' . ($location || 'admin') . "/$path",
        $body ? (body => encode_json($body),
                 headers => ['Content-Type' => 'application/json']) : ());
}

my %policy = (mode => 'testing', 'max-age' => 86400, mx => ['mx.b.example']);
is ask('PUT', 'domains/b.example',
       { %policy, verified => JSON::PP::true })->{status}, 201, 'a domain';
is ask('PUT', 'domains/c.example', { 'same-as' => 'b.example' })->{status},
    201, 'one that is the same';
is ask('PUT', 'domains/d.example', {}, 'mine')->{status}, 201, 'one of an owner';
is ask('GET', $_)->{status}, 200, $_
    for 'domains/b.example', 'domains', 'domains?export=1', 'certificates',
        'zone';
is ask('GET', 'domains', undef, 'mine')->{status}, 200, 'the list of an owner';
$t->redis('SET', 'tlsrpt:{registry}:seen', 1);
is ask('POST', 'domains/d.example/check')->{status}, 202, 'a look at DNS';
is ask('DELETE', 'domains/d.example', undef, 'mine')->{status}, 204, 'one goes';
is ask('DELETE', 'domains/c.example')->{status}, 204, 'the same goes';
is ask('DELETE', 'domains/b.example')->{status}, 202, 'one leaves';
my ($id) = map { $_->{id} // () }
    @{ $t->get('/tlsrpt/domains/example.com/problems')->{json}{problems} };
is ask('PUT', "domains/example.com/problems/$id",
       { 'muted-until' => $_ })->{status}, 200, 'a problem is muted, or not'
    for day(1), undef;

my $rspamd = TLSRPT::Rspamd->new(
    server  => $t,
    signers => ['sender.example'],
    tlsrpt  => 'domains = ["example.com"];',
)->start;
my $mail = signed(report_mail(report('report-id' => 'mail')), 'sender.example');
ok $rspamd->scan($mail)->{symbols}{TLSRPT_REPORT}, 'a report by mail';
ok $rspamd->scan($mail)->{symbols}{TLSRPT_DUPLICATE}, 'again';
$rspamd->stop;

is ask('DELETE', 'domains/example.com?erase=1')->{status}, 204,
    'counts are erased';

is_deeply $t->redis('ACL', 'LOG'), [], 'Redis has denied nothing';

done_testing;
