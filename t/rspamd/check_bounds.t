# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# What the checks ask of others, whoever names them: no address inside, a mail
# server once whatever its names, by one of two rspamd; and one that plays with
# those who ask it costs little time.  Ports are the protocols', so it wants
# root.
#
#     NAMES=1000 prove -vIt/lib t/rspamd/check_bounds.t

use IO::Select;
use IO::Socket::INET;
use JSON::PP ();
use Time::HiRes qw(sleep time);

use TLSRPT::Test;
use TLSRPT::Knot;
use TLSRPT::Rspamd;

my $NAMES = $ENV{NAMES} || 200; # of one victim

$> == 0 or die "ports 25 and 443 are for root alone\n";

my $server = servers(nginx => 0, redis => 1);
my $dir = $server->dir;
my $dns = TLSRPT::Knot->new(server => $server);
(my $net = $dns->address) =~ s/^127\.\d+\.(\d+)\.\d+$/127.230.$1/;

# Mail servers: what each does to who connects, to its end

my %plays = (
    plain => sub {
        my ($client) = @_;
        print $client "220 plain ESMTP\r\n";
        while (my $line = <$client>) {
            print $client $line =~ /^EHLO/ ? "250-plain\r\n250 8BITMIME\r\n"
                : $line =~ /^QUIT/ ? "221 bye\r\n" : "500 no\r\n";
            return if $line =~ /^QUIT/;
        }
    },
    refuses => sub {
        my ($client) = @_;
        print $client "220 refuses\r\n";
        while (my $line = <$client>) {
            print $client $line =~ /^EHLO/ ? "250-x\r\n250 STARTTLS\r\n"
                : $line =~ /^QUIT/ ? "221 bye\r\n"
                : "454 TLS not available\xff\r\n";
        }
    },
    garbage => sub {
        my ($client) = @_;
        print $client "220 garbage\r\n";
        while (my $line = <$client>) {
            print $client $line =~ /^EHLO/ ? "250-x\r\n250 STARTTLS\r\n"
                : $line =~ /^STARTTLS/ ? "220 go\r\n" . 'x' x 1000 : '';
        }
    },
    busy => sub { my ($client) = @_; print $client "421 not now\r\n";
                  <$client> },
    tarpit => sub {
        my ($client) = @_;
        for (1 .. 60) { print $client '2' or return; sleep 0.5 }
    },
    silent => sub { sleep 30 },
    web => sub { my ($client) = @_; print $client "220 no TLS\r\n"; <$client> },
    banner => sub {
        my ($client) = @_;
        for (1 .. 10_000) { print $client '220-' . 'x' x 70 . "\r\n" or return }
    },
    hangs_up => sub { },
    inject => sub {
        my ($client) = @_;
        print $client "220 inject\r\n";
        while (my $line = <$client>) {
            print $client $line =~ /^EHLO/ ? "250-x\r\n250 STARTTLS\r\n"
                : "220 go\r\n250 not yet\r\n";
        }
    },
);
my %address = map { (sort keys %plays)[$_] => "$net." . (20 + $_) }
    0 .. keys(%plays) - 1;

sub play {
    my ($name) = @_;

    my $socket = IO::Socket::INET->new(LocalAddr => $address{$name},
        LocalPort => $name eq 'web' ? 443 : 25, Listen => 512, ReuseAddr => 1) or die "25: $!";
    my $pid = fork // die "fork: $!";
    return $pid if $pid;

    local $SIG{CHLD} = 'IGNORE';
    local $SIG{PIPE} = 'IGNORE';
    while (1) {
        my $client = $socket->accept or next;
        open my $log, '>>', "$dir/asked.$name";
        syswrite $log, "asked\n";
        if (!fork) {
            alarm 40;
            $client->autoflush(1);
            $plays{$name}->($client);
            exit 0;
        }
    }
}

sub asked {
    my ($name) = @_;

    my @lines = split /^/, $server->read_file("$dir/asked.$name");

    return scalar @lines;
}

my @players = map { play($_) } sort keys %plays;
END { kill 'KILL', @players if @players }

# Domains: one a server; inside addresses; many names of one server

my %records = map { ("$_.example", ['@ MX 10 mx', "mx A $address{$_}"]) }
    keys %address;
my @inside = ('10.0.0.1', '192.168.1.1', '127.0.0.1', '169.254.169.254');
$records{'inside.example'} = [
    (map { ("\@ MX $_ mx$_", "mx$_ A $inside[$_]") } 0 .. $#inside),
    'mta-sts A 10.0.0.1', 'mta-sts AAAA fd00::1', 'mta-sts AAAA ::1'];
$records{'many.example'} = [map { ("\@ MX $_ mx$_", "mx$_ A 10.1.0.$_") }
    1 .. 20];
$records{'alias.example'} = [
    '_smtp._tls CNAME r1', 'r1 CNAME r2', 'r2 TXT "v=TLSRPTv1; rua=x"',
    '_mta-sts CNAME loop1', 'loop1 CNAME loop2', 'loop2 CNAME loop1',
    (map { ("h$_ CNAME h" . ($_ + 1)) } 1 .. 6), 'mta-sts CNAME h1',
    'h7 A 10.0.0.1'];
$records{'null.example'} = ['@ MX 0 .'];
$records{'victims.example'} = ['* MX 10 mx',
    map { ("d$_ MX 10 mx.d$_", "mx.d$_ A $address{plain}",
           "mta-sts.d$_ A $address{web}") } 1 .. $NAMES];
$dns->zone($_, @{ $records{$_} }) for sort keys %records;
$dns->start;

my @names = ((grep { $_ ne 'victims.example' } sort keys %records),
    map { "d$_.victims.example" } 1 .. $NAMES);
my @hosts = map { TLSRPT::Rspamd->new(nameserver => $dns->address . ':53',
    server => $server, name => $_, milter => 0,
    dns_options => q(timeout = 1s; retransmits = 3;),
    edit_module => 'checks', edit => sub { s/^local TIMEOUT = 20/local TIMEOUT = 3/m },
    tlsrpt => "check_dns = 24h; check_networks = [\"$net.0/24\"]; domains = ["
        . join(',', map { qq("$_") } @names) . '];')->start } qw(one two);

sub seen {
    my ($name) = @_;

    my $text = $server->redis('GET', "tlsrpt:{$name}:check") // return;

    return JSON::PP->new->utf8->decode($text);
}

ok TLSRPT::Server::wait_until(90, sub { !grep { !seen($_) } @names }),
    'all were looked at';
is scalar(grep { $_->log =~ /this worker checks/ } @hosts), 1,
    'by one of two rspamd';

# Where names of ours lead

$server->redis('ZADD', 'tlsrpt:{checks}:hosts', time, 'mta-sts.d1.victims.example',
               1, 'mta-sts.d2.victims.example');
my $ours;
ok TLSRPT::Server::wait_until(20, sub {
    $ours = $server->redis('HGET', 'tlsrpt:{checks}:here',
                           'mta-sts.d1.victims.example') }),
    'a name of ours is looked at';
$ours = JSON::PP->new->utf8->decode($ours);
is_deeply $ours->{a}, [$address{web}], 'its address';
ok $ours->{at}, 'and when it was so';
ok !$server->redis('HEXISTS', 'tlsrpt:{checks}:here',
                   'mta-sts.d2.victims.example'),
    'one that nobody asks for any more is left alone';

sub server_of { return seen("$_[0].example")->{servers}[0] || {} }

is server_of('plain')->{result}, 'no-starttls', 'STARTTLS is not offered';
is server_of('refuses')->{result}, 'starttls-refused', 'is refused';
like server_of('refuses')->{detail}, qr/^454 TLS not available\?/,
    'in the words of the server, made text';
is server_of('garbage')->{result}, 'tls-failed', 'is none';
is server_of('busy')->{result}, 'busy', 'a server has no time';
is server_of($_)->{result}, 'tarpit', $_ for qw(tarpit banner);
is server_of('silent')->{result}, 'timeout', 'says nothing: not known';
is server_of('hangs_up')->{result}, 'unreachable', 'hangs up: not known';
is server_of('inject')->{result}, 'tls-failed', 'text before TLS is no TLS';

# A victim's many names

is asked('plain'), 1, "$NAMES names of one server: it is asked once";
is scalar(grep { (seen("d$_.victims.example")->{servers}[0]{result} // '')
    eq 'no-starttls' } 1 .. $NAMES), $NAMES, 'and all show what it showed';
my ($ttl) = map { $server->redis('TTL', $_) }
    "tlsrpt:{checks}:server:$address{plain}";
cmp_ok $ttl, '>', 19 * 3600, 'which is known for 20 hours at least,';
cmp_ok $ttl, '<', 24 * 3600, 'less than a day';

cmp_ok asked('web'), '<=', 64, "$NAMES policy hosts at one address that is"
    . ' none: it is left alone soon';
my %policy = map { seen("d$_.victims.example")->{policy}{result} => 1 }
    1 .. $NAMES;
is_deeply [sort keys %policy], ['tls-failed', 'unknown'], 'and that is said';

# People who ask for them again and again

my $key = "tlsrpt:{checks}:server:$address{plain}";

# What is known of the server becomes so many seconds older.
sub older {
    my ($seconds) = @_;

    my $facts = JSON::PP->new->utf8->decode($server->redis('GET', $key));

    $facts->{at} -= $seconds;
    $server->redis('SET', $key, JSON::PP->new->utf8->encode($facts), 'KEEPTTL');

    return;
}

sub ask_for {
    my (@asked) = @_;

    # a look of this very second is none that was asked for
    sleep 1.1;
    my $now = $server->redis('TIME')->[0];
    $server->redis('ZADD', 'tlsrpt:{checks}:asked', map { $now, $_ } @asked);

    return TLSRPT::Server::wait_until(60, sub {
        !grep { seen($_)->{at} < $now } @asked;
    });
}

my @askers = map { "d$_.victims.example" }
    1 .. ($ENV{NAMES} ? $NAMES / 2 : 20);
older(-3600);
ok ask_for(@askers), 'those that people ask for are looked at';
is asked('plain'), 1, 'its server is not, before a minute has passed';
older(3600);
for (1 .. 4) {
    older(61);
    ok ask_for(@askers), 'all again';
    cmp_ok asked('plain'), '<=', 4, 'their server not always';
}
is asked('plain'), 4, 'but four times a day';
cmp_ok asked('web'), '<=', 64 + 2 * 4, 'nor the one of the policy';
ok !defined seen($askers[0])->{servers}[0]{asked},
    'which is not for those to see';

# Addresses inside

my $inside = seen('inside.example');
is_deeply [map { $_->{result} } @{ $inside->{servers} }],
    [('not-public') x 4], 'addresses inside are not asked'
    or diag explain $inside->{servers};
is $inside->{policy}{result}, 'no-address', 'nor for a policy';
like $inside->{policy}{detail}, qr/no address of it is public/, 'which is said';
is scalar(@{ seen('many.example')->{servers} }), 4, 'four mail servers at most';
is scalar(@{ seen('many.example')->{mx}{hosts} }), 16, '16 are kept';
ok seen('null.example')->{mx}{null}, 'a null MX';
is_deeply seen('null.example')->{servers}, [], 'has no server';

# Aliases

my $alias = seen('alias.example');
is $alias->{reporting}{alias}, 'r2.alias.example', 'where an alias ends';
is_deeply $alias->{reporting}{txt}, ['v=TLSRPTv1; rua=x'], 'and what is there';
is_deeply $alias->{host}{cname}, [map { "h$_.alias.example" } 1 .. 4],
    'four are followed, whatever is behind them';
ok !@{ $alias->{sts}{txt} || [] }, 'those in a circle lead nowhere'
    or diag explain $alias->{sts};

# What comes after it

my @due = @{ $server->redis('ZRANGE', 'tlsrpt:{checks}:due', 0, -1,
                            'WITHSCORES') };
my %due = @due;
is scalar(grep { ($due{$_} // 0) > time + 3600 } @names), scalar @names,
    'each is due again';
cmp_ok scalar(keys %{{ map { int($due{$_} / 3600) => 1 } @names }}), '>', 10,
    'spread over the period';
ok $server->redis('EXISTS', 'tlsrpt:{checks}:seen'),
    'nginx can see that somebody checks';
ok $server->redis('ZCARD', 'tlsrpt:due'), 'problems are to be worked out';

# One that nobody says to be ours any more

$server->redis('ZADD', 'tlsrpt:{checks}:names', time - 4 * 86400,
               'plain.example');
$server->redis('ZADD', 'tlsrpt:{checks}:due', 1, 'plain.example');
ok TLSRPT::Server::wait_until(10, sub {
    !defined $server->redis('ZSCORE', 'tlsrpt:{checks}:due', 'plain.example')
}), 'a domain that is not ours any more is left';

# Without a domain of its own rspamd looks at those of nginx, and at no mail

is $_->stop, '', 'nothing bad in the log' for @hosts;
$server->redis('ZADD', "tlsrpt:{checks}:$_", $_ eq 'due' ? 1 : time,
               'null.example') for qw(names due);
my $since = $server->redis('TIME')->[0];
my $alone = TLSRPT::Rspamd->new(nameserver => $dns->address . ':53',
    server => $server, name => 'alone', milter => 0,
    tlsrpt => 'check_dns = 24h;')->start;
ok TLSRPT::Server::wait_until(30, sub {
    seen('null.example')->{at} >= $since
}), 'a domain of nginx is looked at' or diag $alone->log;
my $mail = $alone->scan("Subject: x\n\nx\n");
is_deeply [grep { /TLSRPT/ } keys %{ $mail->{symbols} }], [],
    'mail is left alone';
is $alone->stop, '', 'nothing bad in the log';
$dns->stop;
done_testing;
