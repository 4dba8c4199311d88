# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

package TLSRPT::Postfix;

# A private Postfix on loopback whose milter is a private rspamd, if any; what it
# accepts for example.com is delivered into a maildir.  more: lines of main.cf.
#
#     my $postfix = TLSRPT::Postfix->new(server => $server,
#                                        rspamd => $rspamd)->start;
#     my $reply = $postfix->send($mail);      # "250 2.0.0 Ok: ..."

use strict;
use warnings;

use parent 'TLSRPT::SMTP';

use TLSRPT::Server;

# As another client than this host: it allows XCLIENT.
sub commands {
    my ($self) = @_;

    my ($hello, @others) = $self->SUPER::commands;

    return ($hello, 'XCLIENT ADDR=192.0.2.55 NAME=mail.sender.example',
            'EHLO mail.sender.example', @others);
}

sub main_cf {
    my ($self) = @_;

    my $dir = $self->dir;

    return <<"END";
compatibility_level = 3.6
queue_directory = $dir/queue
data_directory = $dir/data
mail_owner = postfix
setgid_group = postdrop
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
myhostname = mx.example.com
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks =
smtpd_recipient_restrictions = reject_unauth_destination
smtpd_peername_lookup = no
virtual_mailbox_domains = example.com
virtual_mailbox_base = $dir/mail
virtual_mailbox_maps = static:inbox/
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
maillog_file = $dir/maillog
maillog_file_prefixes = $dir
${\($self->{more} // '') }${\ $self->milter }${\ $self->tls }milter_default_action = tempfail
milter_protocol = 6
END
}

# Without rspamd there is none.
sub milter {
    my ($self) = @_;

    return '' unless $self->{rspamd};

    return 'smtpd_milters = unix:' . $self->{rspamd}->milter_path . "\n";
}

# tls: a TLSRPT::Certificate, by which STARTTLS is offered.
sub tls {
    my ($self) = @_;

    my $made = $self->{tls} or return '';

    return "smtpd_tls_security_level = may\nsmtpd_tls_chain_files = "
        . $made->key . ', ' . $made->certificate . "\n";
}

# mx: mail servers of other addresses, each with a name of its own, and STARTTLS
# where it has a certificate: { address, name, made => { of Authority.pm } }.
sub more_servers {
    my ($self) = @_;

    return join '', map {
        "$_->{address}:25 inet n - n - - smtpd -o myhostname=$_->{name}"
            . ' -o smtpd_tls_security_level=' . ($_->{made} ? 'may' : 'none')
            . ($_->{made} ? " -o smtpd_tls_chain_files=$_->{made}{key},"
                            . $_->{made}{chain} : '') . "\n"
    } @{ $self->{mx} || [] };
}

# Others, or with other certificates, from now on.
sub serve_mx {
    my ($self, @mx) = @_;

    $self->{mx} = \@mx;
    $self->{server}->write_file($self->dir . '/master.cf', $self->master_cf);
    my $seen = () = $self->log =~ /reload -- version/g;
    system('postfix', '-c', $self->dir, 'reload') == 0 or die 'postfix reload';
    TLSRPT::Server::wait_until(10, sub {
        return $seen < (() = $self->log =~ /reload -- version/g)
            && !grep { !IO::Socket::INET->new(PeerAddr => $_->{address},
                                              PeerPort => 25) } @mx;
    }) or die 'postfix does not reload: ' . $self->log;

    return;
}

sub master_cf {
    my ($self) = @_;

    return $self->more_servers . <<"END";
127.0.0.1:$self->{port} inet n - n - - smtpd -o smtpd_authorized_xclient_hosts=127.0.0.1
cleanup   unix  n - n - 0 cleanup
qmgr      unix  n - n 300 1 qmgr
rewrite   unix  - - n - - trivial-rewrite
bounce    unix  - - n - 0 bounce
defer     unix  - - n - 0 bounce
trace     unix  - - n - 0 bounce
flush     unix  n - n 1000? 0 flush
proxymap  unix  - - n - - proxymap
error     unix  - - n - - error
retry     unix  - - n - - error
discard   unix  - - n - - discard
virtual   unix  - n n - - virtual
local     unix  - n n - - local
anvil     unix  - - n - 1 anvil
tlsmgr    unix  - - n 1000? 1 tlsmgr
postlog   unix-dgram n - n - 1 postlogd
END
}

sub start {
    my ($self) = @_;

    my ($server, $dir) = ($self->{server}, $self->dir);
    my ($uid, $gid) = (getpwnam 'postfix')[2, 3];

    mkdir "$dir$_" for '', qw(/queue /data /mail);
    chmod 0755, $server->dir, $dir, "$dir/queue";
    chown $uid, $gid, "$dir/data";
    chown 65534, 65534, "$dir/mail";
    $server->write_file("$dir/main.cf", $self->main_cf);
    $server->write_file("$dir/master.cf", $self->master_cf);
    $server->write_file("$dir/dynamicmaps.cf", '');

    my $status = TLSRPT::Server::reap($server->spawn("$dir/postfix.out", {},
        'postfix', '-c', $dir, 'start'), 30);
    die 'postfix: ' . $server->read_file("$dir/postfix.out")
        . $server->read_file("$dir/maillog") if !defined $status || $status;

    return $self->wait_listens;
}

sub log { return $_[0]{server}->read_file($_[0]->dir . '/maillog') }

# Ends it by the pid its master wrote.
sub stop {
    my ($self) = @_;

    open my $fh, '<', $self->dir . '/queue/pid/master.pid' or return;
    my ($pid) = (<$fh> // '') =~ /(\d+)/ or return;
    close $fh;

    kill 'TERM', $pid;
    TLSRPT::Server::wait_until(10, sub { !kill 0, $pid })
        or kill 'KILL', $pid;
    unlink $self->dir . '/queue/pid/master.pid';

    return;
}

1;
