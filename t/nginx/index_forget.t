# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# A report comes for a name just when it is taken out of the index for having no
# data: in the end the name is there.

use TLSRPT::FakeRedis;
use TLSRPT::Test;

my $t = servers(redis => 1, nginx => 0, http => <<'END', server => <<'END');
    tlsrpt_redis unix:%%DIR%%/fake.sock;
    tlsrpt_domain .example.com;
END
        location /tlsrpt/ { tlsrpt_stats; }
END

my $real = $t->redis_socket;

sub real { return TLSRPT::FakeRedis::forward($real, [@_]) }

# Totals: numbers of seven bytes (shared/store/tlsrpt_totals.h).
my $all = join '', map { substr pack('Q<', $_), 0, 7 } 1, 2, 0, time;

# What the report leaves in Redis, right before the name goes.
my $fake = TLSRPT::FakeRedis->new($t->dir . '/fake.sock', sub {
    my ($socket, $command, $words) = @_;

    if ($command eq 'ZREM' && $words->[2] eq 'late.example.com') {
        real('HSET', 'tlsrpt:{late.example.com}', 'all', $all);
        real('ZADD', 'tlsrpt:domains', 0, 'late.example.com');
    }

    return real(@$words);
});

$t->start_nginx;
$t->redis('ZADD', 'tlsrpt:domains', map { (0, "$_.example.com") }
          'gone', 'late');

sub left { return $t->redis('ZRANGE', 'tlsrpt:domains', 0, -1) }

is $t->get('/tlsrpt/domains')->{status}, 200, 'the index is read';
TLSRPT::Server::wait_until(10, sub {
    my @sent = map { s/^\d+ //r } $fake->commands;
    return (2 == grep { $_ eq 'ZREM' } @sent) && grep { $_ eq 'ZADD' } @sent;
});
TLSRPT::Server::wait_until(10, sub { "@{ left() }" eq 'late.example.com' });
is_deeply left(), ['late.example.com'],
    'what has data by now is put back, what has none is not';
is_deeply [map { $_->{domain} }
           @{ $t->get('/tlsrpt/domains')->{json}{domains} }],
    ['example.com', 'late.example.com'], 'and shown';

$fake->stop;
done_testing;
