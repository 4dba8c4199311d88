# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# Alerts by SMTP: STARTTLS with a check of the certificate, AUTH, lines that
# begin with a dot; and what is made of a server that says no, which a fake one
# plays.

use IO::Socket::INET;
use MIME::Base64 qw(encode_base64);
use POSIX ();

use TLSRPT::Test;
use TLSRPT::Certificate;
use TLSRPT::Postfix;
use TLSRPT::Rspamd;

my $server = servers(nginx => 0, redis => 1);
my $dir = $server->dir;
my $made = TLSRPT::Certificate->new(dir => $dir, names => ['mx.example.org']);
my $names = 0;

# Names that are not said to be loopback, though they are.
my ($wrapper) = glob '/usr/lib/*/libnss_wrapper.so';
my %hosts = (LD_PRELOAD => $wrapper, NSS_WRAPPER_HOSTS =>
    $server->write_file('hosts',
        "127.0.0.1 mx.example.org other.example.org\n"));

sub test_alert {
    my ($mail, %env) = @_;

    my $rspamd = TLSRPT::Rspamd->new(server => $server,
        name => 'rspamd' . ++$names, env => \%env,
        tlsrpt => 'domains = ["example.com"]; alerts { mail {'
            . ' from = "tlsrpt@example.org"; to = "postmaster@example.com";'
            . " $mail } }")->prepare;
    my ($status, $said) = $rspamd->rspamadm('test-alert', 'mail');

    return $said =~ /^mail:postmaster\@example\.com: (.*)/m ? $1 : $said;
}

# TLS, by a real Postfix

my $postfix = TLSRPT::Postfix->new(server => $server, tls => $made)->start;
my $port = $postfix->{port};
my %known = (%hosts, SSL_CERT_FILE => $made->authority);

like test_alert("smtp = \"mx.example.org:$port\";", %known), qr/^sent: 250/,
    'STARTTLS, by an authority that is known';
ok $postfix->wait_delivered(1), 'delivered';
like $postfix->log, qr/disconnect from .* starttls=1 /, 'by TLS';
like test_alert("smtp = \"mx.example.org:$port\";", %hosts),
    qr/^not sent: .*certificate/i, 'by one that is not: not sent';
like test_alert("smtp = \"other.example.org:$port\";", %known),
    qr/^not sent: .*(?:certificate|host)/i, 'another name: not sent';
like test_alert("smtp = \"127.0.0.1:$port\";"), qr/^sent: 250/,
    'on loopback it is not checked';
like test_alert("smtp = \"mx.example.org:$port\"; starttls = false;", %hosts),
    qr/^sent: 250/, 'nor where it is not wanted';
$postfix->stop;

my $plain = TLSRPT::Postfix->new(server => $server)->start;
like test_alert("smtp = \"mx.example.org:$plain->{port}\";", %known),
    qr/^not sent: .*STARTTLS/i, 'none offered: not sent';
like test_alert("smtp = \"127.0.0.1:$plain->{port}\";"), qr/^sent: 250/,
    'but on loopback';
$plain->stop;

# What servers say

# A server that gives its replies one after the other, and keeps what it got.
sub fake {
    my (@replies) = @_;

    my $log = "$dir/fake" . ++$names;
    my $listen = IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.1')
        or die "listen: $!";
    my $pid = fork // die "fork: $!";

    if ($pid == 0) {
        alarm 30;
        $SIG{ALRM} = $SIG{PIPE} = 'DEFAULT';
        open my $fh, '>', $log or die;
        $fh->autoflush(1);
        my $socket = $listen->accept;
        my $in_data = 0;
        print $socket shift @replies;
        while (defined(my $line = <$socket>)) {
            print $fh $line;
            $in_data = 0 if $line eq ".\r\n";
            next if $in_data;
            my $reply = shift @replies // last;
            $in_data = 1 if $reply =~ /^354/;
            print $socket $reply;
        }
        POSIX::_exit(0);
    }

    return ($listen->sockport, $log, $pid);
}

my @greeting = ("220-hello\r\n220 fake\r\n", "250-fake\r\n250 HELP\r\n");
my $OK = "250 ok\r\n";
my $ALL = 'smtp = "127.0.0.1:%d";';

for my $case (
    ['a mail', [@greeting, $OK, $OK, "354 go\r\n", "250 2.0.0 queued\r\n"],
     qr/^sent: 250 2\.0\.0 queued$/],
    ['4xx of the recipient', [@greeting, $OK, "450 4.2.1 later\r\n"],
     qr/^not sent: 450 4\.2\.1 later$/],
    ['5xx of the recipient', [@greeting, $OK, "550 5.1.1 who?\r\n"],
     qr/^refused, .*: 550 5\.1\.1 who\?$/],
    ['5xx of the sender', [@greeting, "550-5.7.1 not\r\n550 5.7.1 you\r\n"],
     qr/^refused, .*: 550 5\.7\.1 you$/],
    ['4xx of the text',
     [@greeting, $OK, $OK, "354 go\r\n", "452 4.3.1 full\r\n"],
     qr/^not sent: 452 4\.3\.1 full$/],
    ['5xx of the text', [@greeting, $OK, $OK, "354 go\r\n", "554 5.6.0 no\r\n"],
     qr/^refused, .*: 554 5\.6\.0 no$/],
    ['none greets', ["421 4.3.2 busy\r\n"], qr/^not sent: 421 4\.3\.2 busy$/],
    ['the connection ends', [@greeting, $OK], qr/^not sent: /],
    ['a password that is refused',
     ["220 fake\r\n", "250-fake\r\n250 AUTH PLAIN\r\n", "334 \r\n",
      "535 5.7.8 wrong\r\n"], qr/^not sent: 535 5\.7\.8 wrong$/, 1],
    ['one that is taken',
     ["220 fake\r\n", "250-fake\r\n250 AUTH PLAIN\r\n", "334 \r\n",
      "235 2.7.0 ok\r\n", $OK, $OK, "354 go\r\n", $OK], qr/^sent: 250/, 1],
) {
    my ($name, $replies, $wanted, $password) = @$case;

    my ($fake_port, $log, $pid) = fake(@$replies);
    my $more = $password ? 'user = "me"; password_file = "'
        . $server->write_file('password', "s3cr3t\n") . '";' : '';
    my $said = test_alert(sprintf($ALL, $fake_port) . $more);
    like $said, $wanted, $name;
    unlike $said, qr/s3cr3t/, "$name: no password in it";
    kill 'KILL', $pid;
    waitpid $pid, 0;
    my $got = $server->read_file($log);
    like $got, qr/\Q${\ encode_base64("\0me\0s3cr3t", '') }\E\r/,
        "$name: given" if $password;
    like $got, qr/^EHLO \S+\r$/m, "$name: EHLO" if $replies->[1];
}

done_testing;
