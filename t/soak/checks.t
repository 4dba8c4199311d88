# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# What may happen while domains are looked at: Redis goes away and comes back, a
# worker is killed, an rspamd is told to quit, a whole host is gone.  Each time
# another goes on, no domain is lost, and nothing is kept that nobody saw.
# Ports are the protocols', so it wants root.
#
#     ROUNDS=300 prove -It/lib t/soak/checks.t

use IO::Select;
use IO::Socket::INET;
use JSON::PP ();
use Time::HiRes qw(sleep time);

use TLSRPT::Test;
use TLSRPT::Knot;
use TLSRPT::Rspamd;

my $DOMAINS = 4;
my $ROUNDS = $ENV{ROUNDS} || 1;

$> == 0 or die "port 25 is for root alone\n";

my $server = servers(nginx => 0);
my $dir = $server->dir;
my @KEEPS = qw(--appendonly yes --appendfsync always);
my $dns = TLSRPT::Knot->new(server => $server);
(my $net = $dns->address) =~ s/^127\.\d+\.(\d+)\.\d+$/127.231.$1/;

# Mail servers that answer once they may.

my @sockets = map {
    IO::Socket::INET->new(LocalAddr => "$net.$_", LocalPort => 25,
        Listen => 64, ReuseAddr => 1) or die "25: $!"
} 1 .. $DOMAINS;

sub serve {
    my ($client) = @_;

    alarm 30;
    $client->autoflush(1);
    open my $log, '>>', "$dir/asked";
    syswrite $log, "asked\n";
    sleep 0.05 until -e "$dir/may";
    print $client "220 plain ESMTP\r\n";

    while (my $line = <$client>) {
        print $client $line =~ /^EHLO/ ? "250 plain\r\n" : "221 bye\r\n";
        last if $line =~ /^QUIT/;
    }

    return;
}

my $mail_servers = fork // die "fork: $!";

if (!$mail_servers) {
    local $SIG{CHLD} = 'IGNORE';
    my $select = IO::Select->new(@sockets);
    while (1) {
        for my $socket ($select->can_read) {
            my $client = $socket->accept or next;
            fork or do { serve($client); exit 0 };
        }
    }
}

END { kill 'KILL', $mail_servers if $mail_servers }

my @names = map { "d$_.example" } 1 .. $DOMAINS;
$dns->zone("d$_.example", '@ MX 10 mx', "mx A $net.$_") for 1 .. $DOMAINS;
$dns->start;
$server->start_redis(@KEEPS);

my @hosts = map { TLSRPT::Rspamd->new(nameserver => $dns->address . ':53',
    server => $server, name => $_, milter => 0,
    dns_options => q(timeout = 1s; retransmits = 3;),
    edit_module => 'leased',
    edit => sub { s/^local LEASE = 10000/local LEASE = 3000/m },
    tlsrpt => "check_dns = 24h; check_networks = [\"$net.0/24\"]; domains = ["
        . join(',', map { qq("$_") } @names) . '];') } qw(one two);

sub check_of { return $server->redis('GET', "tlsrpt:{$_[0]}:check") }

sub seen {
    return JSON::PP->new->utf8->decode(check_of($_[0]) // '{"at":0}');
}

sub asked {
    my @lines = split /^/, $server->read_file("$dir/asked");

    return scalar @lines;
}

# A day passes: all are due, and their servers may be asked.
sub make_due {
    $server->redis('DEL', "tlsrpt:{checks}:server:$net.$_") for 1 .. $DOMAINS;
    $server->redis('ZADD', 'tlsrpt:{checks}:due', map { (1, $_) } @names);

    return;
}

sub all_kept { return join "\n", map { check_of($_) // '' } @names }

# All are being looked at, and wait for the mail servers.
sub under_way {
    unlink "$dir/asked", "$dir/may";
    make_due();

    return ok TLSRPT::Server::wait_until(60, sub { asked() >= $DOMAINS }),
        'looks are under way';
}

sub may { $server->write_file("$dir/may", ''); return }

sub taken { return scalar(() = $_[0]->log =~ /this worker checks/g) }

# The one that took the lease since all had it so often.
sub holder {
    my ($first) = grep { $_->{pid} && taken($_) > ($_->{had} || 0) } @hosts;

    return $first;
}

sub took_over {
    my ($what) = @_;

    my $holder;
    ok TLSRPT::Server::wait_until(40, sub { $holder = holder() }),
        "$what: one takes the lease" or diag map { $_->log } @hosts;
    $_->{had} = taken($_) for grep { $_->{pid} } @hosts;

    return $holder;
}

# Nothing is lost, and what is kept is what was seen.
sub all_looked_at {
    my ($what) = @_;

    my $now = $server->redis('TIME')->[0];
    ok TLSRPT::Server::wait_until(20, sub {
        $server->redis('ZCARD', 'tlsrpt:{checks}:due') == $DOMAINS;
    }), "$what: all are known";
    may();
    make_due();
    ok TLSRPT::Server::wait_until(60, sub {
        !grep { seen($_)->{at} < $now } @names;
    }), "$what: all are looked at" or diag map { $_->log } @hosts;
    is_deeply [map { $_->{servers}[0]{result} } map { seen($_) } @names],
        [('no-starttls') x $DOMAINS], 'they show what is there';

    return;
}

$_->start for @hosts;
my $holder = took_over('at first');
all_looked_at('at first');

for my $round (1 .. $ROUNDS) {
    my $before;

    # Redis goes in mid-look, the look ends meanwhile

    under_way();
    $before = all_kept();
    $server->stop_redis;
    may();
    ok $holder->logged(qr/checks: .*Redis/), 'Redis is missed';
    $server->start_redis(@KEEPS);
    TLSRPT::Server::wait_until(20, sub { eval { all_kept(); 1 } });
    is all_kept(), $before, 'what was known stays';
    all_looked_at('Redis is back');

    # A worker is killed; the next one may be of either host

    under_way();
    $before = all_kept();
    $_->{had} = taken($_) for @hosts;
    kill 'KILL', grep { $holder->is_worker($_) }
        $holder->workers($holder->pid);
    $holder = took_over('a worker was killed');
    is all_kept(), $before, 'what was known stays';
    all_looked_at('a worker was killed');

    # Told to quit

    under_way();
    my $began = time;
    is $holder->stop, '', 'told to quit: no crash';
    cmp_ok time - $began, '<', 15, 'in time';
    my $other = took_over('one has quit');
    isnt $other, $holder, 'the other one';
    all_looked_at('one has quit');

    # A host is gone

    $holder->{had} = 0;
    unlink $holder->dir . '/rspamd.log';
    $holder->start;
    under_way();
    $other->kill_all;
    $holder = took_over('a host is gone');
    all_looked_at('a host is gone');
    $other->{had} = 0;
    unlink $other->dir . '/rspamd.log';
    $other->start;
}

is $_->stop, '', 'nothing bad in the log' for @hosts;
$dns->stop;
done_testing;
