# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# Redis was emptied: what is served on for a day is, whoever enters the domain
# meanwhile.

use TLSRPT::Test;

my $PATH = '/.well-known/mta-sts.txt';

my $t = servers(redis => 1, workers => 2, http => <<'CONF', server => <<"CONF");
    tlsrpt_redis %%REDIS%%;
    tlsrpt_registry on zone=reg:4m;
    tlsrpt_report_uri https://reports.example/v1/tlsrpt;
CONF
        location /admin/ { tlsrpt_admin; }
        location /mine/ { tlsrpt_admin owner=\$http_x_user; }
        location /v1/tlsrpt { tlsrpt_collect; }
        location /tlsrpt/ { tlsrpt_stats; }
        location = $PATH { mta_sts; }
CONF

sub soon { my ($check) = @_; return TLSRPT::Server::wait_until(20, $check) }

sub put {
    my ($who, $domain, %members) = @_;

    return $t->request('PUT', (defined $who ? '/mine/' : '/admin/')
        . "domains/$domain", body => encode_json(\%members),
        headers => [ defined $who ? ('X-User' => $who) : (),
                     'Content-Type' => 'application/json' ]);
}

sub served { return $t->get($PATH, host => "mta-sts.$_[0]")->{status} }

my %policy = (mode => 'enforce', 'max-age' => 86400, mx => ['mx.a.example']);
my %token;

for my $domain (map { "$_.example" } 'a' .. 'd') {
    my $put = put(undef, $domain, %policy, owner => 'ann',
                  verified => JSON::PP::true());
    is $put->{status}, 201, "$domain is enrolled";
    ($token{$domain}) = $put->{json}{'report-uri'} =~ m{([^/]+)$};
}
ok soon(sub { served('d.example') == 200 }), 'and served';

sub post {
    my ($domain) = @_;

    return $t->post("/v1/tlsrpt/$token{$domain}",
        encode_json(report(domain => $domain, day => day(0))))->{status};
}

$t->wants_alerts(qr/the registry in Redis is/);
$t->redis('FLUSHALL');
is put('eve', 'a.example')->{status}, 201, 'eve enters what was hers';
is put('ann', 'b.example', %policy)->{status}, 201, 'ann does, anew';
is put('eve', 'd.example')->{status}, 201, 'eve enters another';
is $t->request('DELETE', '/mine/domains/d.example', headers => ['X-User' => 'eve'])
    ->{status}, 204, 'and withdraws it, before all is loaded';
ok soon(sub { $t->error_log =~ /\[alert\]/ }), 'it is told';
sleep 4;
is served("$_.example"), 200, "$_ is served on" for 'a' .. 'd';
like post("$_.example"), qr/^20/, "$_: reports are taken on" for 'a' .. 'd';
is put('eve', 'c.example')->{status}, 201, 'eve enters another';
is put('ann', 'd.example', %policy)->{status}, 201, 'ann, too';
is $t->request('DELETE', '/mine/domains/a.example',
               headers => ['X-User' => 'eve'])->{status}, 204, 'eve withdraws';
sleep 3;
is served("$_.example"), 200, "$_ is served on yet" for 'a' .. 'd';
like post("$_.example"), qr/^20/, "$_: reports are taken on yet" for 'a' .. 'd';

is put(undef, 'a.example', %policy, mode => 'testing', owner => 'ann',
       verified => JSON::PP::true())->{status}, 201, 'the operator mends it';
ok soon(sub {
    $t->get($PATH, host => 'mta-sts.a.example')->{body} =~ /testing/
}), 'and what he says is served';
is post('a.example'), 404, 'with a token of its own';

done_testing;
