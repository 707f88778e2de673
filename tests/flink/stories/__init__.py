"""The stories, one file per fault, and the list of all of them."""
from stories.backpressure import BackpressureStory
from stories.checkpoint_absent import CheckpointAbsentStory
from stories.checkpoint_failing import CheckpointFailingStory
from stories.checkpoint_size import CheckpointSizeStory
from stories.data_skew import DataSkewStory
from stories.job_down import ApplicationDownStory, JobDownStory
from stories.metaspace import MetaspaceStory
from stories.native import NativeStory
from stories.restart_loop import RestartLoopStory
from stories.task_manager_loss import TaskManagerLossStory
from stories.watermark_stalled import WatermarkStalledStory

STORIES = [MetaspaceStory, BackpressureStory, NativeStory, CheckpointSizeStory, CheckpointAbsentStory,
           RestartLoopStory, JobDownStory, ApplicationDownStory, TaskManagerLossStory,
           DataSkewStory, WatermarkStalledStory, CheckpointFailingStory]
