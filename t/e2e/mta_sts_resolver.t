# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# What a sender makes of a policy that is served: Debian's
# postfix-mta-sts-resolver, asked by Postfix's own lookup, with a name server and
# an authority of the test's: enforce, testing, changed, and taken away.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use IO::Socket::INET;

use TLSRPT::Certificate;
use TLSRPT::Knot;
use TLSRPT::Test;

my $D = 'customer.example';
my $t = TLSRPT::Server->new(workers => 2);
my $dir = $t->dir;
my $tls = TLSRPT::Certificate->new(dir => $dir, names => ["mta-sts.$D"]);
my $https = TLSRPT::Server::free_port();

$t->{http} = <<"END";
    tlsrpt_redis %%REDIS%%;
    tlsrpt_registry on zone=tlsrpt:4m;
    tlsrpt_report_uri https://tlsrpt.provider.example/v1/tlsrpt;

    server {
        listen 127.0.0.1:$https ssl;
        ssl_certificate ${\ $tls->certificate };
        ssl_certificate_key ${\ $tls->key };
        location = /.well-known/mta-sts.txt { mta_sts; }
        location / { return 404; }
    }
END
$t->{server} = 'location /admin/ { tlsrpt_admin; }';
$t->start_redis->start_nginx;

my $dns = TLSRPT::Knot->new(server => $t)->zone($D)->start;


# The resolver, that keeps a policy as long as its id in DNS is the same

my $port = TLSRPT::Server::free_port();
$t->write_file('resolver.yml', <<"END");
host: 127.0.0.1
port: $port
reuse_port: true
shutdown_timeout: 1
cache_grace: 0
cache:
  type: internal
  options: { cache_size: 100 }
default_zone:
  strict_testing: false
  timeout: 10
END
system('gcc', '-O1', '-shared', '-fPIC', '-o', "$dir/redirect.so",
       TLSRPT::Server->top . '/t/lib/redirect.c') == 0 or die 'gcc';
my $resolver = $t->spawn("$dir/resolver.log", {
    LD_PRELOAD => "$dir/redirect.so",
    TLSRPT_DNS => $dns->address . ':' . $dns->port,
    TLSRPT_HTTPS => "127.0.0.1:$https",
    SSL_CERT_FILE => $tls->authority,
}, 'mta-sts-daemon', '-c', "$dir/resolver.yml");
TLSRPT::Server::wait_until(20, sub {
    IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port);
}) or die 'mta-sts-daemon: ' . $t->read_file('resolver.log');

# What Postfix would do with mail to the domain; '' as without a policy.
sub lookup {
    my $answer = qx(postmap -q $D socketmap:inet:127.0.0.1:$port:postfix 2>&1);

    chomp $answer;
    return $answer;
}

sub put {
    my (%policy) = @_;

    my $answer = $t->request('PUT', "/admin/domains/$D",
        headers => ['Content-Type' => 'application/json'],
        body => encode_json({ 'max-age' => 604800, verified => JSON::PP::true,
                              %policy }));
    like $answer->{status}, qr/^20[01]$/, "a policy: $policy{mode}"
        or diag $answer->{body};

    return $answer->{json};
}

# Publishes the record as it is told, once the policy itself is served.
sub publish {
    my ($enrolled) = @_;

    my ($txt) = map { $_->{value} }
        grep { $_->{host} eq '_mta-sts' } @{ $enrolled->{records} };
    my $mode = $enrolled->{policy}{mode};

    TLSRPT::Server::wait_until(10, sub {
        my $served = qx(curl -s --cacert ${\ $tls->authority } --connect-to \\
            ::127.0.0.1:$https https://mta-sts.$D/.well-known/mta-sts.txt);
        return $served =~ /^mode: \Q$mode\E\r$/m
            && !grep { $served !~ /^mx: \Q$_\E\r$/m }
                @{ $enrolled->{policy}{mx} || [] };
    }) or diag 'not served';
    $dns->zone($D, "_mta-sts TXT \"$txt\"");
    sleep 2;                    # the TTL of one second

    return;
}

is lookup(), '', 'without a policy';

my $enrolled = put(mode => 'enforce', mx => ["mx.$D"]);
publish($enrolled);
my $secure = lookup();
like $secure, qr/^secure match=mx\.\Q$D\E\b/, 'enforce: the names are checked';
like $secure, qr/servername=hostname/, 'by SNI';

my $wider = put(mode => 'enforce', mx => ["mx.$D", "*.mx.$D"]);
isnt $wider->{id}, $enrolled->{id}, 'changed: another id';
publish($wider);
like lookup(), qr/^secure match=(?=\S*\.mx\.\Q$D\E)(?=\S*\bmx\.\Q$D\E)\S+:/,
    'and another answer';

publish(put(mode => 'testing', mx => ["mx.$D"]));
is lookup(), '', 'testing: mail goes as it went before';

publish(put(mode => 'enforce', mx => ["mx.$D"]));
like lookup(), qr/^secure /, 'enforce again';
my $left = $t->request('DELETE', "/admin/domains/$D");
is $left->{status}, 202, 'taken away' or diag $left->{body};
my $leaving = $t->get("/admin/domains/$D")->{json};
is $leaving->{state}, 'leaving', 'which takes its time';
publish($leaving);
is lookup(), '', 'a policy of mode none: as without one';

unlike $t->read_file('resolver.log'), qr/Traceback|ERROR/, 'without an error'
    or diag $t->read_file('resolver.log');
TLSRPT::Server::end_process($resolver, 'TERM');
$dns->stop;
is $t->stop_nginx, '', 'nothing bad in the log';
done_testing;
