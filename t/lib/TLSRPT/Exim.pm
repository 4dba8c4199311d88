# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

package TLSRPT::Exim;

# A private Exim on loopback that asks a private rspamd, with the lines that
# README.md gives for its configuration.  Debian's package takes the place of
# another mail server, so tools/install-deps only unpacks it, into build/exim.
# domain, router, transport: one more that it takes mail of, and how.
#
#     my $exim = TLSRPT::Exim->new(server => $server, rspamd => $rspamd)->start;
#     my $reply = $exim->send($mail);         # "250 OK id=..."

use strict;
use warnings;

use parent 'TLSRPT::SMTP';

use TLSRPT::Readme;
use TLSRPT::Server;

my $PROGRAM = TLSRPT::Server->top . '/build/exim/usr/sbin/exim4';

# Exim wants the user of this name, which only its package makes.
my $USER = 'Debian-exim';
my $UID = 65533;

sub config {
    my ($self) = @_;

    my $dir = $self->dir;
    my ($spamd, $acl) = TLSRPT::Readme::blocks('Exim');
    $spamd =~ s/11333/$self->{rspamd}{port}/ or die 'no port in README.md';

    return <<"END";
exim_path = $PROGRAM
primary_hostname = mx.example.com
spool_directory = $dir/spool
log_file_path = $dir/%slog
pid_file_path = $dir/exim.pid
local_interfaces = 127.0.0.1
daemon_smtp_ports = $self->{port}
tls_advertise_hosts =
host_lookup =
rfc1413_hosts =
deliver_drop_privilege
keep_environment = LD_PRELOAD : ^NSS_WRAPPER
acl_smtp_rcpt = acl_check_rcpt
acl_smtp_data = acl_check_data
$spamd

begin acl

acl_check_rcpt:
    accept domains = example.com
${\ $self->more_recipients }
$acl
    accept

begin routers

${\($self->{router} // '') }
all:
    driver = accept
    domains = example.com
    transport = maildir

begin transports

maildir:
    driver = appendfile
    maildir_format
    directory = $dir/mail/inbox

${\($self->{transport} // '') }
END
}

sub more_recipients {
    my ($self) = @_;

    my $domain = $self->{domain} or return '';

    return "    require verify = recipient\n    accept domains = $domain\n";
}

sub start {
    my ($self) = @_;

    my ($server, $dir) = ($self->{server}, $self->dir);

    mkdir "$dir$_" for '', qw(/spool /mail /mail/inbox);
    chmod 0755, $server->dir, $dir;
    chown $UID, $UID, $dir, "$dir/spool", "$dir/mail", "$dir/mail/inbox";
    $server->write_file("$dir/passwd", "root:x:0:0::/:/bin/sh\n"
                        . "${USER}:x:${UID}:${UID}::$dir:/bin/false\n");
    $server->write_file("$dir/group", "root:x:0:\nmail:x:8:\n${USER}:x:${UID}:\n");
    $server->write_file("$dir/exim.conf", $self->config);

    $self->{pid} = $server->spawn("$dir/exim.out", {
        LD_PRELOAD => 'libnss_wrapper.so',
        NSS_WRAPPER_PASSWD => "$dir/passwd",
        NSS_WRAPPER_GROUP => "$dir/group",
    }, $PROGRAM, '-C', "$dir/exim.conf", '-bdf');

    return $self->wait_listens;
}

sub log {
    my ($self) = @_;

    return join '', map { $self->{server}->read_file($self->dir . "/$_") }
        qw(exim.out mainlog rejectlog paniclog);
}

sub stop {
    my ($self) = @_;

    my $pid = delete $self->{pid} or return;
    TLSRPT::Server::end_process($pid, 'TERM');

    return;
}

1;
