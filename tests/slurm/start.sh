#!/bin/sh
# Install Slurm (Debian or Ubuntu, as root) and start a cluster of this one machine, for the tests
# marked `slurm`. It claims eight processors, whatever there are, and has two partitions: `main`,
# and `urgent`, whose jobs preempt those of `main`, which are then queued again.
set -eu

command -v slurmctld > /dev/null || {
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq slurm-wlm munge > /dev/null
}

host=$(hostname -s)
work=/var/lib/eqspec-slurm
mkdir -p "$work/state" "$work/spool" /run/munge
chown munge: /run/munge
cat > /etc/slurm/slurm.conf << END
ClusterName=eqspec
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
StateSaveLocation=$work/state
SlurmdSpoolDir=$work/spool
SlurmctldLogFile=$work/slurmctld.log
SlurmdLogFile=$work/slurmd.log
SlurmctldPidFile=$work/slurmctld.pid
SlurmdPidFile=$work/slurmd.pid
SlurmdParameters=config_overrides
SchedulerParameters=sched_interval=2,batch_sched_delay=0,preempt_youngest_first
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
JobRequeue=1
KillWait=60
ReturnToService=2
NodeName=$host NodeAddr=127.0.0.1 CPUs=8 CoresPerSocket=8 State=UNKNOWN
PartitionName=main Nodes=$host Default=YES PriorityTier=1 GraceTime=60 MaxTime=INFINITE State=UP
PartitionName=urgent Nodes=$host PriorityTier=10 PreemptMode=OFF MaxTime=INFINITE State=UP
END
pgrep -x munged > /dev/null || runuser -u munge -- /usr/sbin/munged
pgrep -x slurmctld > /dev/null || slurmctld
pgrep -x slurmd > /dev/null || slurmd
for _ in $(seq 30); do
    sinfo --noheader --format=%t 2> /dev/null | grep -q idle && exec sinfo
    sleep 1
done
tail -5 "$work"/*.log
exit 1
