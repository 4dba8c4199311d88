# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

package TLSRPT::Rspamd;

# A private rspamd with the plugin: its scanner on a unix socket, its milter on
# another, and fake DNS records.  It has no DNS beside them.
#
#     my $rspamd = TLSRPT::Rspamd->new(server => $server,
#         tlsrpt => 'domains = ["example.com"];', signers => ['sender.example'],
#     )->start;
#     my $answer = $rspamd->scan($mail);
#     $answer->{symbols}{TLSRPT_REPORT};

use strict;
use warnings;

use IO::Socket::UNIX;
use JSON::PP ();
use Time::HiRes qw(sleep);

use TLSRPT::Mail;
use TLSRPT::Server;

my $TOP = TLSRPT::Server->top;

# Public suffixes of the tests: a small list loads at once.
my $SUFFIXES = join "\n", qw(com net org example co.example), '';

# server    the TLSRPT::Server whose directory, processes and Redis are used
# name      of the files in it
# tlsrpt    what local.d/tlsrpt.conf would hold; Redis is named for it unless
#           redis => 0
# signers   domains whose DKIM keys DNS knows
# dns       more fake records, as rspamd takes them
# nameserver, dns_more, task_timeout, config: more of rspamd.conf
# plugin, cpath, path: other than those of the tree
# stock     a copy of /etc/rspamd to run with, in place of a small configuration
# edit      a function that changes the plugin's text, in $_, to make it fail;
#           edit_module: that of a module, e.g. "store"
# port      of the scanner too, on loopback
# milter    0: none
# env       more of the environment
# controller what is in the section of one, if there is to be one
sub new {
    my ($class, %args) = @_;

    return bless {
        name => 'rspamd', tlsrpt => '', signers => [], dns => '', redis => 1,
        task_timeout => 8, config => '', filters => 'dkim', milter => 1,
        dns_options => 'timeout = 0.1s; retransmits = 1;',
        nameserver => '127.0.0.1:9',
        plugin => "$TOP/rspamd_plugin/tlsrpt.lua",
        cpath  => $ENV{TLSRPT_CPATH} || "$TOP/build/?.so",
        path   => "$TOP/rspamd_plugin/lualib/?.lua",
        %args,
    }, $class;
}

sub dir { return $_[0]{server}->dir . "/$_[0]{name}" }

sub socket_path { return $_[0]->dir . '/normal.sock' }
sub milter_path { return $_[0]->dir . '/milter.sock' }
sub controller_path { return $_[0]->dir . '/controller.sock' }

sub fake_records {
    my ($self) = @_;

    my $records = $self->{dns};

    for my $domain (@{ $self->{signers} }) {
        $records .= sprintf qq({ name = "%s"; type = "txt"; )
            . qq(replies = ["%s"]; },\n),
            dkim_name($domain), dkim_record($domain);
    }

    return $records;
}

sub config {
    my ($self) = @_;

    my $dir = $self->dir;
    my $redis = $self->{redis}
        ? 'servers = "' . $self->{server}->redis_socket . '";' : '';
    my $port = $self->{port}
        ? qq(bind_socket = "127.0.0.1:$self->{port}";) : '';

    return <<"END";
options {
    pidfile = "$dir/rspamd.pid";
    url_tld = "$dir/suffixes";
    hs_cache_dir = "$dir";
    cache_file = "$dir/symbols.cache";
    rrd = "$dir/rspamd.rrd";
    history_file = "$dir/rspamd.history";
    filters = "$self->{filters}";
    task_timeout = $self->{task_timeout}s;
    map_watch_interval = 1s;
    explicit_modules = [];
    dns {
        nameserver = ["$self->{nameserver}"];
        $self->{dns_options}
        fake_records = [
            ${\ $self->fake_records }
        ];
    }
}
logging {
    type = "file";
    filename = "$dir/rspamd.log";
    level = "info";
    log_re_cache = false;
}
lang_detection {
    languages = "$dir/none";            # loading them takes a second
}
actions {
    reject = 15;
    add_header = 6;
}
worker "normal" {
    bind_socket = "$dir/normal.sock mode=0666";
    $port
    count = 1;
}
${\ $self->milter }
${\ $self->controller }
modules {
    path = "$self->{plugin}";
}
$self->{config}
tlsrpt {
    $redis
    $self->{tlsrpt}
}
END
}

sub milter {
    my ($self) = @_;

    return '' unless $self->{milter};

    return <<"END";
worker "rspamd_proxy" {
    bind_socket = "${\ $self->milter_path } mode=0666";
    milter = true;
    count = 1;
    timeout = 60s;
    upstream "local" { default = yes; self_scan = yes; }
}
END
}

sub controller {
    my ($self) = @_;

    return '' unless defined $self->{controller};

    my $bound = $self->{controller} =~ /bind_socket/ ? ''
        : 'bind_socket = "' . $self->controller_path . ' mode=0666";';

    return <<"END";
worker "controller" {
    $bound
    count = 1;
    static_dir = "/usr/share/rspamd/www";
    $self->{controller}
}
END
}

# What an admin would put into local.d, and where the sockets are.
sub prepare_stock {
    my ($self) = @_;

    my ($dir, $server) = ($self->dir, $self->{server});
    my $local = "$self->{stock}/local.d";
    my %file = (
        'options.inc' => <<"END",
url_tld = "$dir/suffixes";
hs_cache_dir = "$dir";
dns {
    nameserver = ["$self->{nameserver}"];
    $self->{dns_options}
    fake_records = [ ${\ $self->fake_records } ];
}
END
        'redis.conf' => 'servers = "' . $server->redis_socket . '";',
        'logging.inc' => qq(filename = "$dir/rspamd.log";),
        'worker-normal.inc' =>
            qq(bind_socket = "$dir/normal.sock mode=0666"; count = 1;),
        'worker-proxy.inc' =>
            qq(bind_socket = "$dir/milter.sock mode=0666"; count = 1;),
        'worker-controller.inc' =>
            qq(bind_socket = "$dir/controller.sock mode=0666";),
    );

    $server->write_file("$local/$_", "$file{$_}\n") for keys %file;

    return;
}

sub config_path {
    my ($self) = @_;

    return $self->{stock} ? "$self->{stock}/rspamd.conf"
        : $self->dir . '/rspamd.conf';
}

# The places that the stock configuration speaks of.
sub places {
    my ($self) = @_;

    return unless $self->{stock};

    return (map({ "--var=$_=$self->{stock}" } qw(CONFDIR LOCAL_CONFDIR)),
            map({ "--var=$_=" . $self->dir } qw(RUNDIR DBDIR LOGDIR)));
}

sub prepare {
    my ($self) = @_;

    my $dir = $self->dir;
    mkdir $dir;
    chmod 0755, $dir, $self->{server}->dir;
    $self->{server}->write_file("$dir/suffixes", $SUFFIXES);
    $self->edit_module if $self->{edit_module};
    $self->edit_plugin if $self->{edit};
    $self->prepare_stock if $self->{stock};
    $self->{server}->write_file("$dir/rspamd.conf", $self->config);

    return $self;
}

# The name of its file is the name of the section.
sub edit_plugin {
    my ($self) = @_;

    $self->{plugin} = $self->edited($self->{plugin}, delete $self->{edit},
                                    $self->dir . '/tlsrpt.lua');

    return;
}

sub edit_module {
    my ($self) = @_;

    my $dir = $self->dir . '/edited';
    my $name = delete $self->{edit_module};
    mkdir $_ for $dir, "$dir/tlsrpt";
    $self->edited("$TOP/rspamd_plugin/lualib/tlsrpt/$name.lua",
                  delete $self->{edit}, "$dir/tlsrpt/$name.lua");
    $self->{path} = "$dir/?.lua;$self->{path}";

    return;
}

sub edited {
    my ($self, $file, $edit, $copy) = @_;

    my $text = $self->{server}->read_file($file);
    $edit->() || die 'nothing was edited' for $text;
    $self->{server}->write_file($copy, $text);

    return $copy;
}

sub environment {
    my ($self) = @_;

    return { LUA_CPATH => "$self->{cpath};;", LUA_PATH => "$self->{path};;",
             %{ $self->{env} || {} } };
}

# Whether the configuration is good, and what was said.
sub configtest {
    my ($self) = @_;

    my $output = $self->prepare->dir . '/configtest.out';
    unlink $output;
    my $status = TLSRPT::Server::reap($self->{server}->spawn($output,
        $self->environment, 'rspamadm', $self->places, 'configtest', '-c',
        $self->config_path), 60);

    return (defined $status && $status == 0,
            $self->{server}->read_file($output));
}

# rspamd's Lua library, with ours in it, as it is installed.
sub lualib {
    my ($self) = @_;

    my $lualib = $self->dir . '/lualib';
    return $lualib if -d $lualib;

    system(qw(cp -rs /usr/share/rspamd/lualib), $lualib) == 0 or die 'cp';
    system('cp', '-rs', "$TOP/rspamd_plugin/lualib/.", $lualib) == 0
        or die 'cp';

    return $lualib;
}

# Runs rspamadm tlsrpt; its exit status and what it said.
sub rspamadm {
    my ($self, $command, @args) = @_;

    my $output = $self->dir . '/rspamadm.out';
    unlink $output;
    my $status = TLSRPT::Server::reap($self->{server}->spawn($output,
        $self->environment, 'rspamadm', '--var=LUALIBDIR=' . $self->lualib,
        'tlsrpt', '--config', $self->config_path, $command, @args), 60);

    return (defined $status ? $status >> 8 : -1,
            $self->{server}->read_file($output));
}

# Runs t/rspamd/NAME.lua, a test in rspamadm's Lua that prints TAP (tap.lua), on
# the server's Redis; its exit status.
sub scenario {
    my ($self, $name) = @_;

    my %environment = %{ $self->prepare->environment };
    local @ENV{keys %environment} = values %environment;
    my $tests = "$TOP/t/rspamd";

    return system('rspamadm', 'lua', '-b', '-a', $self->{server}->redis_socket,
                  '-a', "$tests/tap.lua", "$tests/$name.lua") == 0 ? 0 : 1;
}

sub start {
    my ($self) = @_;

    my $dir = $self->prepare->dir;
    unlink $self->socket_path, $self->milter_path, $self->controller_path;

    my $server = $self->{server};
    $self->{pid} = $server->{rspamd_pid} = $server->spawn("$dir/rspamd.out",
        $self->environment, 'rspamd', $self->places, '-c', $self->config_path,
        '-f', '-i', ($> == 0 ? ('-u', 'root', '-g', 'root') : ()));

    TLSRPT::Server::wait_until(60, sub {
        die 'rspamd: ' . $self->log . $self->{server}->read_file('rspamd.out')
            if defined TLSRPT::Server::reap($self->{pid}, 0);
        return IO::Socket::UNIX->new(Peer => $self->socket_path)
            && (!$self->{milter}
                || IO::Socket::UNIX->new(Peer => $self->milter_path))
            && (($self->{controller} // 'bind_socket') =~ /bind_socket/
                || IO::Socket::UNIX->new(Peer => $self->controller_path));
    }) or die 'rspamd does not listen: ' . $self->log;

    return $self;
}

sub log { return $_[0]{server}->read_file($_[0]->dir . '/rspamd.log') }

# Waits until the log holds it.
sub logged {
    my ($self, $pattern) = @_;

    return TLSRPT::Server::wait_until(10, sub { $self->log =~ $pattern });
}

# Ends rspamd; what its log holds that it must not, '' if nothing.  From 3.12 on
# a worker that was a milter goes only when its time is up: 10 seconds, or twice
# the task_timeout; rspamd kills those that then still stay, which is no crash.
sub stop {
    my ($self) = @_;

    my $pid = delete $self->{pid} or return '';
    delete $self->{server}{rspamd_pid};
    my @workers = $self->workers($pid);
    kill 'TERM', $pid;
    my $status = TLSRPT::Server::reap($pid, 20);
    $status = TLSRPT::Server::end_process($pid) if !defined $status;
    kill 'KILL', grep { $self->is_worker($_) } @workers;
    # rdns says of a request that it is busy with while its mail ends that this
    # is an "internal error" of its own.
    my @bad = grep {
        !/terminated abnormally .* by signal: Killed|rdns_request_unschedule/
    } grep {
        /crash|SIGSEGV|terminated abnormally|Sanitizer/i
            || /lua call trace|internal error:/i
    } split /^/, $self->log . $self->{server}->read_file(
        $self->dir . '/rspamd.out');
    push @bad, "rspamd ended with status $status\n" if $status != 0;

    return join '', @bad;
}

# With its workers, all at once.
sub kill_all {
    my ($self) = @_;

    kill 'KILL', $self->{pid}, $self->workers($self->{pid});
    TLSRPT::Server::reap(delete $self->{pid}, 10);

    return;
}

# When it took the lease of alerts last: the line of its log; "": never.
sub took_lease {
    my ($self) = @_;

    return ($self->log =~ /^(.*this worker delivers)/mg)[-1] // '';
}

sub pid { return $_[0]{pid} }

sub workers {
    my ($self, $pid) = @_;

    return split ' ',
        $self->{server}->read_file("/proc/$pid/task/$pid/children");
}

sub is_worker {
    my ($self, $pid) = @_;

    return $self->{server}->read_file("/proc/$pid/cmdline") =~ /^rspamd: /;
}

# Checks a mail; the answer as a structure.  ip => ADDRESS, seconds => N,
# rcpt => ADDRESS or a list of them.
sub scan {
    my ($self, $mail, %options) = @_;

    my $socket = $self->send_mail($mail, %options);

    return $self->receive($socket, $options{seconds} || 30);
}

# The first half, for many at once.
sub send_mail {
    my ($self, $mail, %options) = @_;

    my $ip = $options{ip} || '192.0.2.55';
    my $rcpt = $options{rcpt} || 'tlsrpt@example.com';
    my $socket = IO::Socket::UNIX->new(Peer => $self->socket_path)
        or die "rspamd: $!";
    print $socket "POST /checkv2 HTTP/1.1\r\nHost: x\r\nIP: $ip\r\n"
        . "From: bounce\@sender.example\r\n"
        . join('', map { "Rcpt: $_\r\n" } ref $rcpt ? @$rcpt : $rcpt)
        . "Milter: Yes\r\n"
        . ($options{user} ? "User: $options{user}\r\n" : '')
        . "Connection: close\r\n"
        . 'Content-Length: ' . length($mail) . "\r\n\r\n$mail";
    $socket->flush;

    return $socket;
}

sub receive {
    my ($self, $socket, $seconds) = @_;

    local $SIG{ALRM} = sub { die "rspamd: no answer\n" };
    alarm($seconds || 30);
    local $/;
    my $answer = <$socket>;
    alarm 0;

    my ($head, $body) = split /\r\n\r\n/, $answer, 2;
    die "rspamd: $head" unless $head =~ m{^HTTP/1\.\d 200};

    return JSON::PP->new->utf8->decode($body);
}

1;
