"""HDTF as its authors distribute it: lists of videos, times and windows, and no video.

Zhang, Li, Ding, Fan: Flow-Guided One-Shot Talking Face Generation With a High-Resolution
Audio-Visual Dataset, CVPR 2021. Their repository's folder `HDTF_dataset` holds, for each of the
parts RD, WDA and WRA, text files of one entry a line, words between blanks:

    PART_video_url.txt      Radio11 https://www.youtube.com/watch?v=…
    PART_annotion_time.txt  Radio11.mp4 00:30-01:00 01:30-02:30
    PART_resolution.txt     Radio11.mp4 720
    PART_crop_wh.txt        Radio11_1.mp4 557 478 0 478
    PART_crop_ratio.txt     Radio11_1.mp4 1.2

(`annotion` is their spelling.) The times mm:ss of a video's clips are numbered from 0: the window
above is that of 01:30 to 02:30. A window is x, width, y, height, all of them square, in pixels of
a video as high as `resolution` says. The ratio tells how far that window was once grown around a
detected face; it is not needed to cut. A clip's pictures are its window at 512x512.

As the lists are, not as they are described: some lines end in a blank, some files without a line
break; 15 clips have no window; one video has no times; one resolution is 0; one window
(WDA/MazieHirono1_0, 1134 of 720) is larger than its video; two videos are one on YouTube; the
lines of no two files are in one order. None of that stops the reading: such clips are named, with
the reason, and left out. A line that cannot be read at all does.
"""
