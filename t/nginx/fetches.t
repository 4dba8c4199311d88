# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# However many viewers ask at a time, for however many days: a worker has few
# commands in flight for them, and a report does not wait behind more.

use TLSRPT::FakeRedis;
use TLSRPT::Test;

my $FETCHES = 4;                # ngx_http_tlsrpt_fetch.h
my $WINDOW  = 32;               # ngx_http_tlsrpt_redis.h

my $t = servers(redis => 1, nginx => 0, http => <<'END', server => <<'END');
    tlsrpt_redis unix:%%DIR%%/fake.sock;
    tlsrpt_redis_timeout 60s;
    tlsrpt_domain example.com;
END
        location /v1/tlsrpt { tlsrpt_collect; }
        location /tlsrpt/ { tlsrpt_stats; }
END

# It answers when it is told to: then what has waited, too.
my $go = $t->dir . '/go';
my @waiting;
my $fake = TLSRPT::FakeRedis->new($t->dir . '/fake.sock', sub {
    push @waiting, $_[2];
    return undef unless -e $go;
    return join '', map {
        TLSRPT::FakeRedis::forward($t->redis_socket, $_)
    } splice @waiting;
});
$t->start_nginx;

sub send_to {
    my ($socket, $head, $body) = @_;

    syswrite $socket, join("\r\n", @$head, 'Host: x',
        'Content-Length: ' . length $body, '', $body);
    return;
}

my @viewers = map { $t->connection } 1 .. $FETCHES + 2;
send_to($_, ['GET /tlsrpt/domains/example.com?from=2001-01-01&to=2026-01-01'
             . ' HTTP/1.1'], '') for @viewers;
my $sender = $t->connection;
send_to($sender, ['POST /v1/tlsrpt HTTP/1.1'], encode_json(report()));

# Nothing is answered, so no more come than may be on their way.
my $most = $FETCHES * $WINDOW + 1;
sub asked { return scalar grep { !/ POLL$/ } $fake->commands }
TLSRPT::Server::wait_until(20, sub { asked() >= $most });
is asked(), $most,
    'the commands of a few, and the report\'s';

$t->write_file('go', '');
my $last = $t->connection;
send_to($last, ['POST /v1/tlsrpt HTTP/1.1'],
        encode_json(report('report-id' => 'go')));
is TLSRPT::Server::read_answer($sender)->{status}, 201, 'it is stored';
is_deeply [map { TLSRPT::Server::read_answer($_)->{status} } @viewers],
    [(200) x @viewers], 'and each viewer gets the answer';

$fake->stop;
done_testing;
