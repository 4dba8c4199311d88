# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

package TLSRPT::Haraka;

# A private Haraka on loopback that asks a private rspamd, with the rspamd.ini
# that README.md gives.  What it accepts, it writes to files.
#
#     my $haraka = TLSRPT::Haraka->new(server => $server,
#                                      rspamd => $rspamd)->start;
#     my $reply = $haraka->send($mail);       # "250 Message Queued ..."

use strict;
use warnings;

use parent 'TLSRPT::SMTP';

use TLSRPT::Npm;
use TLSRPT::Readme;
use TLSRPT::Server;

sub config {
    my ($self) = @_;

    my ($ini) = TLSRPT::Readme::blocks('Haraka');
    $ini =~ s/11333/$self->{rspamd}{port}/ or die 'no port in README.md';

    return (
        'me'         => "mx.example.com\n",
        'smtp.ini'   => "listen=127.0.0.1:$self->{port}\nnodes=0\n",
        'host_list'  => "example.com\n",
        'plugins'    => join("\n", 'rcpt_to.in_host_list', 'rspamd', 'queue/test',
                             ''),
        'rspamd.ini' => $ini,
    );
}

sub start {
    my ($self) = @_;

    my ($server, $dir) = ($self->{server}, $self->dir);
    my $modules = TLSRPT::Npm::install();
    my %config = $self->config;

    # a directory to begin with, as its own command makes it
    TLSRPT::Server::reap($server->spawn("$dir.out", { NODE_PATH => $modules },
        'node', "$modules/Haraka/bin/haraka", '-i', $dir), 60);
    mkdir "$dir$_" for qw(/mail /mail/inbox /mail/inbox/new);
    $server->write_file("$dir/config/$_", $config{$_}) for keys %config;

    $self->{pid} = $server->spawn("$dir/log",
        { TMPDIR => "$dir/mail/inbox/new", NODE_PATH => $modules }, 'node',
        "$modules/Haraka/bin/haraka", '-c', $dir);

    return $self->wait_listens;
}

sub log { return $_[0]{server}->read_file($_[0]->dir . '/log') }

sub stop {
    my ($self) = @_;

    my $pid = delete $self->{pid} or return;
    TLSRPT::Server::end_process($pid, 'TERM');

    return;
}

1;
